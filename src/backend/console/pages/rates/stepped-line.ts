// A rate over the last days as one stepped line: it holds until it changes. Binary floats are pixels here and nothing else.
import type { Fraction } from '../../../client/units.ts'
import { placeOnAxis } from './trading-days.ts'

export interface Point {
  readonly timeMs: number
  readonly rate: Fraction
}

export interface LineBox {
  readonly width: number
  readonly height: number
  /** Left free above and below. */
  readonly inset: number
  /** The rates at the bottom and the top; left out: the lowest and the highest of the points. */
  readonly range?: { readonly from: number; readonly to: number }
}

/** Of an SVG path; null: no point is on the axis. */
export function steppedPath(points: readonly Point[], dayStartsMs: readonly number[], box: LineBox): string | null {
  const placed = points.flatMap(({ timeMs, rate }) => {
    const place = placeOnAxis(timeMs, dayStartsMs)
    return place === null ? [] : [{ x: place * box.width, rate: Number(rate) }]
  })
  const first = placed[0]
  if (first === undefined) return null
  const rates = placed.map(({ rate }) => rate)
  const { from, to } = box.range ?? { from: Math.min(...rates), to: Math.max(...rates) }
  const room = box.height - 2 * box.inset
  const y = (rate: number) => (to === from ? box.height / 2 : box.inset + (1 - (rate - from) / (to - from)) * room)
  let path = `M${shown(first.x)} ${shown(y(first.rate))}`
  let last = first
  for (const point of placed.slice(1)) {
    if (point.rate === last.rate) continue
    path += `H${shown(point.x)}V${shown(y(point.rate))}`
    last = point
  }
  const end = placed.at(-1) ?? first
  return `${path}H${shown(end.x)}`
}

function shown(pixels: number): string {
  return String(Math.round(pixels * 10) / 10)
}

/** Rates, in percent, for an axis: two to five of them, 1, 2 or 5 of a power of ten apart, with the decimals that they need. */
export function axisTicks(lowestPercent: number, highestPercent: number): readonly { at: number; label: string }[] {
  const span = highestPercent - lowestPercent || Math.max(highestPercent, 0.01) / 10
  const power = 10 ** Math.floor(Math.log10(span / 2))
  const step = [1, 2, 5, 10].map((times) => times * power).find((wide) => span / wide <= 3) ?? 10 * power
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  const from = Math.floor(lowestPercent / step + 1e-9)
  const to = Math.ceil(highestPercent / step - 1e-9)
  const ends = from === to ? [from - 1, to + 1] : [from, to]
  const [low = 0, high = 1] = ends
  return Array.from({ length: high - low + 1 }, (_, n) => {
    const at = (low + n) * step
    return { at, label: at.toFixed(decimals) }
  })
}
