// Measurements as a picture: a few lines over a common axis, which begins at zero upwards. It follows the reader's light or dark setting,
// and loads nothing.

export interface Line {
  readonly name: string
  /** The first is what the picture is about; others are what it is held against. */
  readonly points: readonly (readonly [number, number])[]
}

export interface Chart {
  readonly title: string
  readonly x: string
  readonly y: string
  /** Sizes that grow by factors stand at equal distances for equal factors; a size of 0 stands at the left end. */
  readonly logarithmic?: boolean
  readonly lines: readonly Line[]
}

const WIDTH = 760
const HEIGHT = 300
const LEFT = 70
const RIGHT = 744
const TOP = 62
const BOTTOM = 246
const TICKS = 4

const STYLE = `
    text { font: 13px Inter, system-ui, sans-serif; fill: #12161c; font-variant-numeric: tabular-nums }
    .quiet { fill: #5d6777 } .head { font-size: 15px; font-weight: 600 } .surface { fill: #ffffff } .grid { stroke: #dfe3e9 }
    .line { fill: none; stroke-width: 2 } .l0 { stroke: #3149c6 } .l1 { stroke: #828c9c; stroke-dasharray: 6 4 } .l2 { stroke: #a35a00; stroke-dasharray: 2 3 }
    .dot { stroke: none } .d0 { fill: #3149c6 } .d1 { fill: #828c9c } .d2 { fill: #a35a00 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e9ecf1 } .quiet { fill: #8a94a4 } .surface { fill: #11141a } .grid { stroke: #2a303a }
      .l0 { stroke: #8ea6ff } .l1 { stroke: #8a94a4 } .l2 { stroke: #e3a45a } .d0 { fill: #8ea6ff } .d1 { fill: #8a94a4 } .d2 { fill: #e3a45a }
    }`

/** @returns an SVG document */
export function lineChart({ title, x, y, logarithmic = false, lines }: Chart): string {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b)
  const place = (at: number) => (logarithmic ? Math.log10(Math.max(at, leastShown(xs))) : at)
  const [first, last] = [place(xs[0] ?? 0), place(xs.at(-1) ?? 1)]
  const top = roundUp(Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value))))
  const atX = (at: number) => round(LEFT + ((place(at) - first) / (last - first || 1)) * (RIGHT - LEFT - 30))
  const atY = (value: number) => round(BOTTOM - (value / top) * (BOTTOM - TOP))
  const grid = Array.from({ length: TICKS + 1 }, (_, tick) => (top * tick) / TICKS).map(
    (value) =>
      `  <line class="grid" x1="${LEFT}" y1="${atY(value)}" x2="${RIGHT}" y2="${atY(value)}"/>
  <text class="quiet" x="${LEFT - 8}" y="${atY(value) + 4}" text-anchor="end">${numberText(value)}</text>`,
  )
  const shown =
    xs.length <= 8 ? xs : [0, 0.25, 0.5, 0.75, 1].map((share) => xs[Math.round(share * (xs.length - 1))] ?? 0)
  const sizes = shown.map(
    (at) => `  <text class="quiet" x="${atX(at)}" y="${BOTTOM + 20}" text-anchor="middle">${numberText(at)}</text>`,
  )
  const drawn = lines.flatMap(({ points }, index) => [
    `  <polyline class="line l${index}" points="${points.map(([at, value]) => `${atX(at)},${atY(value)}`).join(' ')}"/>`,
    ...(points.length > 30
      ? []
      : points.map(([at, value]) => `  <circle class="dot d${index}" cx="${atX(at)}" cy="${atY(value)}" r="3"/>`)),
  ])
  const legend = lines.map(
    ({ name }, index) =>
      `  <line class="line l${index}" x1="${LEFT + index * 200}" y1="${HEIGHT - 15}" x2="${LEFT + 24 + index * 200}" y2="${HEIGHT - 15}"/>
  <text class="quiet" x="${LEFT + 32 + index * 200}" y="${HEIGHT - 11}">${escapeText(name)}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">
  <title>${escapeText(title)}</title>
  <style>${STYLE}
  </style>
  <rect class="surface" width="${WIDTH}" height="${HEIGHT}" rx="8"/>
  <text class="head" x="16" y="30">${escapeText(title)}</text>
  <text class="quiet" x="${LEFT}" y="50">${escapeText(y)}</text>
  <text class="quiet" x="${RIGHT}" y="${HEIGHT - 11}" text-anchor="end">${escapeText(x)}</text>
${[...grid, ...sizes, ...drawn, ...(lines.length > 1 ? legend : [])].join('\n')}
</svg>
`
}

/** A zero has no logarithm: it stands a factor of ten below the least of the others. */
function leastShown(sorted: readonly number[]): number {
  return (sorted.find((at) => at > 0) ?? 10) / (sorted[0] === 0 ? 10 : 1)
}

/** The next 1, 2, 4, 6 or 8 of a power of ten: its quarters are short numbers. */
function roundUp(value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 4, 6, 8, 10].find((times) => times * power >= value) ?? 10
  return step * power
}

/** `20 000`, `0.25`. */
export function numberText(value: number): string {
  const text = Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 3 })
  return text.replaceAll(',', ' ')
}

const round = (value: number) => Math.round(value * 100) / 100

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
