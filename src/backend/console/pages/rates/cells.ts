// Cells of the grid that are more than text. Plain elements: hundreds of them come and go in a second of scrolling.
import type { ICellRendererComp, ICellRendererParams } from 'ag-grid-community'
import type { BorrowStatus, ObservationSource, RateRowAnswer } from '../../../client/index.ts'
import badgeClasses from '../../ui/badges.module.css'
import { SOURCE_GLYPHS, TIER_BARS } from '../../ui/badges.tsx'
import { gridAge, spokenAge } from '../../ui/formats.ts'
import classes from './grid.module.css'
import { sparklines } from './sparklines.ts'
import { steppedPath } from './stepped-line.ts'
import { watchlist } from './watchlist.ts'

type Params = ICellRendererParams<RateRowAnswer>

abstract class Cell implements ICellRendererComp<RateRowAnswer> {
  protected row!: RateRowAnswer
  protected readonly root = document.createElement('span')

  init({ data }: Params): void {
    if (data !== undefined) this.row = data
    this.begin()
    this.paint()
  }

  getGui(): HTMLElement {
    return this.root
  }

  refresh({ data }: Params): boolean {
    if (data !== undefined) this.row = data
    this.paint()
    return true
  }

  protected begin(): void {}
  protected abstract paint(): void
}

export class TickerCell extends Cell {
  protected paint(): void {
    const { ticker } = this.row
    this.root.textContent = ticker
    if (watchlist.placeOf(ticker) === undefined) return
    const star = spanOf(classes.star, '★')
    star.setAttribute('aria-hidden', 'true')
    this.root.append(star, spanOf('only-read', ', on the watchlist'))
  }
}

const tierTemplates = new Map<BorrowStatus, HTMLElement>()

function tierBadge(tier: BorrowStatus): Node {
  let template = tierTemplates.get(tier)
  if (template === undefined) {
    template = spanOf(badgeClasses.tier, '')
    const svg = svgOf('svg', { width: 12, height: 10, viewBox: '0 0 12 10', 'aria-hidden': 'true' })
    for (const at of [0, 1, 2]) {
      const fill = at < TIER_BARS[tier] ? 'var(--ink)' : 'var(--button-line)'
      svg.append(svgOf('rect', { x: at * 4.5, y: 7 - at * 3, width: 3, height: 3 + at * 3, fill }))
    }
    template.append(svg, tier)
    tierTemplates.set(tier, template)
  }
  return template.cloneNode(true)
}

export class TierCell extends Cell {
  protected paint(): void {
    this.root.replaceChildren(tierBadge(this.row.borrow_status))
  }
}

const LINE = { width: 76, height: 18, inset: 2 }

export class DaysCell extends Cell {
  #stop: (() => void) | null = null
  #shown: string | null = null

  protected override begin(): void {
    this.#stop = sparklines.watch(this.row.ticker, () => this.paint())
  }

  protected paint(): void {
    const shown = this.#line()
    if (shown === this.#shown) return
    this.#shown = shown
    this.root.replaceChildren(
      ...(shown === null ? [] : [shown === '' ? spanOf(classes.missing, 'no history') : lineOf(shown)]),
    )
  }

  /** '': there is none. Null: it is not here yet. */
  #line(): string | null {
    const days = sparklines.of(this.row.ticker)
    if (days === undefined || days.points === null) return null
    if (days.points.length === 0) return ''
    const now = { timeMs: Date.now(), rate: this.row.current_rate }
    return steppedPath([...days.points, now], days.dayStartsMs, LINE) ?? ''
  }

  destroy(): void {
    this.#stop?.()
  }
}

function lineOf(path: string): SVGElement {
  const svg = svgOf('svg', { width: LINE.width, height: LINE.height, 'aria-hidden': 'true' })
  svg.append(svgOf('path', { d: path, class: classes.line ?? '' }))
  return svg
}

/** What a cell of an age says. */
export interface Age {
  readonly source: ObservationSource
  /** Null: `word` stands there. */
  readonly seconds: number | null
  readonly word: string
  /** Amber: the fault is of this row alone. */
  readonly isOwnFault: boolean
}

/** All ages that are on the screen, so that a clock can go through them. */
export class AgeCells {
  readonly #cells = new Set<AgeCellBase>()

  add(cell: AgeCellBase): void {
    this.#cells.add(cell)
  }

  delete(cell: AgeCellBase): void {
    this.#cells.delete(cell)
  }

  tick(): void {
    for (const cell of this.#cells) cell.tick()
  }
}

abstract class AgeCellBase extends Cell {
  abstract tick(): void
}

export function ageCell(cells: AgeCells, ageOf: (row: RateRowAnswer) => Age) {
  return class extends AgeCellBase {
    readonly #glyph = spanOf(badgeClasses.glyph, '')
    readonly #text = spanOf('', '')
    #shown = ''

    protected override begin(): void {
      this.root.className = classes.age ?? ''
      // One picture with words: a text that is hidden from the eye costs a clip in each of a hundred cells.
      this.root.setAttribute('role', 'img')
      this.root.append(this.#glyph, this.#text)
      cells.add(this)
    }

    tick(): void {
      this.paint()
    }

    protected paint(): void {
      const { source, seconds, word, isOwnFault } = ageOf(this.row)
      const text = seconds === null ? word : gridAge(seconds)
      const shown = `${source} ${text} ${isOwnFault}`
      if (shown === this.#shown) return
      this.#shown = shown
      this.#glyph.textContent = SOURCE_GLYPHS[source]
      this.#text.textContent = text
      this.root.setAttribute('aria-label', seconds === null ? word : `${source}, ${spokenAge(seconds)}`)
      this.root.toggleAttribute('data-fault', isOwnFault)
    }

    destroy(): void {
      cells.delete(this)
    }
  }
}

function spanOf(className: string | undefined, text: string): HTMLElement {
  const span = document.createElement('span')
  span.className = className ?? ''
  span.textContent = text
  return span
}

function svgOf(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, String(value))
  return element
}
