// What lightweight-charts does not draw: the hatch of a guess, and marks of what happens at a moment.
import type {
  IPrimitivePaneRenderer,
  IPrimitivePaneView,
  ISeriesPrimitive,
  Logical,
  SeriesAttachedParameter,
  Time,
} from 'lightweight-charts'

/** CSS pixels of a pane. */
interface Pane {
  readonly context: CanvasRenderingContext2D
  readonly mediaSize: { readonly width: number; readonly height: number }
}

/** Places from one to another, both included. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** The spans of what is true. */
export function spansOf(facts: readonly boolean[]): Span[] {
  const spans: Span[] = []
  facts.forEach((fact, at) => {
    const open = spans.at(-1)
    if (!fact) return
    if (open !== undefined && open.to === at - 1) spans[spans.length - 1] = { from: open.from, to: at }
    else spans.push({ from: at, to: at })
  })
  return spans
}

export interface DrawnPoint {
  readonly place: number
  readonly value: number | null
  /** From here on there is a hole. */
  readonly endsHere: boolean
}

/**
 * What is drawn for values with holes. The charts join points over what is missing between them: a line that ends at the beginning of a
 * hole, unseen from there on, leaves it open.
 */
export function drawnPoints(values: readonly (number | null)[]): DrawnPoint[] {
  const last = values.findLastIndex((value) => value !== null)
  return values.map((value, place) => {
    const before = values[place - 1] ?? null
    const endsHere = value === null && before !== null && place < last
    return { place, value: endsHere ? before : value, endsHere }
  })
}

/** CSS pixels: as the hatch of a cell. */
const HATCH_STEP = 6
/** Of the band around a line that is one of several. */
const BAND_HEIGHT = 16

abstract class PanePrimitive implements ISeriesPrimitive<Time> {
  protected attachedTo: SeriesAttachedParameter<Time> | null = null
  readonly #views: readonly IPrimitivePaneView[]

  constructor(zOrder: 'bottom' | 'top') {
    const renderer: IPrimitivePaneRenderer = {
      draw: (target) => target.useMediaCoordinateSpace((pane) => this.draw(pane)),
    }
    this.#views = [{ zOrder: () => zOrder, renderer: () => renderer }]
  }

  attached(to: SeriesAttachedParameter<Time>): void {
    this.attachedTo = to
  }

  detached(): void {
    this.attachedTo = null
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.#views
  }

  protected x(place: number): number | null {
    return this.attachedTo?.chart.timeScale().logicalToCoordinate(place as Logical) ?? null
  }

  protected abstract draw(pane: Pane): void
}

/** Spans of a line that rest on a guess: hatched over the whole height of the pane, or along the line where there are others. */
export class GuessBands extends PanePrimitive {
  readonly #alongLine: boolean
  #colour = ''
  #spans: readonly Span[] = []
  #values: readonly (number | null)[] = []

  constructor(alongLine: boolean) {
    super('bottom')
    this.#alongLine = alongLine
  }

  paint(colour: string): void {
    this.#colour = colour
    this.attachedTo?.requestUpdate()
  }

  show(spans: readonly Span[], values: readonly (number | null)[]): void {
    this.#spans = spans
    this.#values = values
    this.attachedTo?.requestUpdate()
  }

  protected draw({ context, mediaSize: { width, height } }: Pane): void {
    context.save()
    context.beginPath()
    for (const span of this.#spans) {
      for (const { from, to, top, bottom } of this.#rectangles(span, height))
        context.rect(from, top, to - from, bottom - top)
    }
    context.clip()
    context.beginPath()
    context.strokeStyle = this.#colour
    context.lineWidth = 1
    for (let x = -height; x < width; x += HATCH_STEP * Math.SQRT2) {
      context.moveTo(x, height)
      context.lineTo(x + height, 0)
    }
    if (this.#spans.length > 0) context.stroke()
    context.restore()
  }

  *#rectangles({ from, to }: Span, height: number) {
    const begin = this.x(from)
    const end = this.x(Math.min(to + 1, this.#values.length - 1))
    if (begin === null || end === null) return
    if (!this.#alongLine) {
      yield { from: begin, to: Math.max(end, begin + 1), top: 0, bottom: height }
      return
    }
    for (let place = from; place <= to; place += 1) {
      const value = this.#values[place] ?? null
      const y = value === null ? null : (this.attachedTo?.series.priceToCoordinate(value) ?? null)
      const x = this.x(place)
      const next = this.x(Math.min(place + 1, this.#values.length - 1))
      if (x === null || next === null || y === null) continue
      yield { from: x, to: Math.max(next, x + 1), top: y - BAND_HEIGHT / 2, bottom: y + BAND_HEIGHT / 2 }
    }
  }
}

const MARK_ROW = 16
const MARK_SIZE = 4
const MARK_GAP = 8

/** A rhombus and words at each mark; those that would lie over another stand a row lower. */
export class EventMarks extends PanePrimitive {
  #colour = ''
  #font = ''
  #ground = ''
  #marks: readonly { readonly at: number; readonly words: string }[] = []

  constructor() {
    super('top')
  }

  paint(colour: string, font: string, ground: string): void {
    this.#colour = colour
    this.#font = font
    this.#ground = ground
    this.attachedTo?.requestUpdate()
  }

  show(marks: readonly { readonly at: number; readonly words: string }[]): void {
    this.#marks = marks
    this.attachedTo?.requestUpdate()
  }

  protected draw({ context, mediaSize: { width, height } }: Pane): void {
    context.save()
    context.font = `11px ${this.#font}`
    context.textBaseline = 'middle'
    const placed: { readonly from: number; readonly to: number; readonly row: number }[] = []
    for (const { at, words } of this.#marks) {
      const x = this.x(at)
      if (x === null) continue
      const long = context.measureText(words).width
      const toLeft = x + MARK_SIZE + MARK_GAP + long > width
      const from = toLeft ? x - MARK_SIZE - MARK_GAP - long : x - MARK_SIZE
      const to = toLeft ? x + MARK_SIZE : x + MARK_SIZE + MARK_GAP + long
      let row = 0
      while (placed.some((other) => other.row === row && other.from < to + MARK_GAP && from < other.to + MARK_GAP))
        row += 1
      placed.push({ from, to, row })
      const y = MARK_ROW * (row + 0.5) + 2
      context.strokeStyle = this.#colour
      context.beginPath()
      context.setLineDash([1, 3])
      context.moveTo(x, y)
      context.lineTo(x, height)
      context.stroke()
      context.setLineDash([])
      context.fillStyle = this.#ground
      context.fillRect(from - 2, y - MARK_ROW / 2 + 1, to - from + 4, MARK_ROW - 2)
      context.fillStyle = this.#colour
      context.beginPath()
      context.moveTo(x, y - MARK_SIZE)
      context.lineTo(x + MARK_SIZE, y)
      context.lineTo(x, y + MARK_SIZE)
      context.lineTo(x - MARK_SIZE, y)
      context.closePath()
      context.fill()
      context.textAlign = toLeft ? 'right' : 'left'
      context.fillText(words, toLeft ? x - MARK_SIZE - 4 : x + MARK_SIZE + 4, y)
    }
    context.restore()
  }
}
