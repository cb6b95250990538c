// A price's waterfall as a picture: two blocks on axes that begin at zero, the rate in percent and the fee in USD. It follows the
// reader's light or dark setting, and loads nothing.
import type { WaterfallStep } from '../pricing/waterfall.ts'
import { STEP_LABELS } from './formats.ts'

const WIDTH = 760
const LABEL_X = 16
const BAR_X = 150
const BAR_WIDTH = 330
const CHANGE_X = 580
const AFTER_X = 744
const ROW_HEIGHT = 30
const BAR_HEIGHT = 16

const STYLE = `
    text { font: 13px Inter, system-ui, sans-serif; fill: #12161c; font-variant-numeric: tabular-nums }
    .quiet { fill: #5d6777 } .head { font-size: 15px; font-weight: 600 } .strong { font-weight: 600 }
    .surface { fill: #ffffff } .first { fill: #828c9c } .up { fill: #3149c6 } .total { fill: #3a4352 }
    .down { fill: none; stroke: #3149c6 } .join { stroke: #5d6777 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e9ecf1 } .quiet { fill: #8a94a4 } .surface { fill: #11141a } .first { fill: #687387 }
      .up { fill: #8ea6ff } .total { fill: #c3cad6 } .down { stroke: #8ea6ff } .join { stroke: #8a94a4 }
    }`

/** @param title what is priced, in words */
export function waterfallSvg(title: string, steps: readonly WaterfallStep[]): string {
  const rate = steps.filter((step) => step.unit === 'fraction')
  const fee = steps.filter((step) => step.unit === 'USD' && step.step !== 'charged_value')
  const first = block('Borrow rate, % a year', rate, 66, (value) => (value * 100).toFixed(3), 'bp')
  const second = block('Locate fee, USD', fee, 66 + 48 + rate.length * ROW_HEIGHT, (value) => value.toFixed(2), 'USD')
  const height = 66 + 2 * 48 + (rate.length + fee.length) * ROW_HEIGHT
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
  <title>${escapeText(title)}</title>
  <style>${STYLE}
  </style>
  <rect class="surface" width="${WIDTH}" height="${height}" rx="8"/>
  <text class="head" x="${LABEL_X}" y="32">${escapeText(title)}</text>
${first}
${second}
</svg>
`
}

function block(
  heading: string,
  steps: readonly WaterfallStep[],
  top: number,
  show: (value: number) => string,
  changeUnit: 'bp' | 'USD',
): string {
  // Only places on the screen are computed from floats: every number that is read comes from the exact decimals.
  const numbers = steps.map((step) => ({ before: Number(`${step.before}`), after: Number(`${step.after}`) }))
  const largest = Math.max(...numbers.map(({ after }) => after), Number.MIN_VALUE)
  const x = (value: number) => round(BAR_X + (value / largest) * BAR_WIDTH)
  const lines = [`  <text class="quiet" x="${LABEL_X}" y="${top}">${heading}</text>`]
  let joinFrom: { x: number; y: number } | null = null
  steps.forEach((step, index) => {
    const { before, after } = numbers[index] as { before: number; after: number }
    const y = top + 12 + index * ROW_HEIGHT
    const middle = y + ROW_HEIGHT / 2 + 4
    const inForce = after !== before || step.step === 'total'
    lines.push(
      `  <text${inForce ? '' : ' class="quiet"'} x="${LABEL_X}" y="${middle}">${STEP_LABELS[step.step]}</text>`,
    )
    if (inForce) {
      const total = step.step === 'total'
      const from = total ? 0 : Math.min(before, after)
      const kind = total ? 'total' : before === 0 ? 'first' : after > before ? 'up' : 'down'
      const width = Math.max(2, round(x(Math.max(before, after)) - x(from)))
      const barTop = y + (ROW_HEIGHT - BAR_HEIGHT) / 2
      if (joinFrom !== null) {
        lines.push(`  <line class="join" x1="${joinFrom.x}" y1="${joinFrom.y}" x2="${joinFrom.x}" y2="${barTop}"/>`)
      }
      lines.push(`  <rect class="${kind}" x="${x(from)}" y="${barTop}" width="${width}" height="${BAR_HEIGHT}"/>`)
      joinFrom = { x: x(after), y: barTop + BAR_HEIGHT }
    } else {
      lines.push(`  <text class="quiet" x="${BAR_X}" y="${middle}">not in force</text>`)
    }
    const change = changeOf(step, changeUnit)
    if (change !== '') lines.push(`  <text x="${CHANGE_X}" y="${middle}" text-anchor="end">${change}</text>`)
    const weight = step.step === 'total' || step.step === 'floor' ? ' class="strong"' : ''
    lines.push(`  <text${weight} x="${AFTER_X}" y="${middle}" text-anchor="end">${show(after)}</text>`)
  })
  return lines.join('\n')
}

function changeOf(step: WaterfallStep, unit: 'bp' | 'USD'): string {
  if (`${step.before}`.match(/[1-9]/) === null || step.step === 'total') return ''
  const delta = unit === 'bp' ? step.deltaBp : step.delta
  if (delta === null || delta.units === 0n) return ''
  const text = delta.toString()
  return `${text.startsWith('-') ? text.replace('-', '\u2212') : `+${text}`} ${unit}`
}

const round = (value: number) => Math.round(value * 100) / 100

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
