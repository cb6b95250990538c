// Moments as ISO 8601 text. The platform's own conversion costs more than everything else in a line of an answer, and the same few
// moments are written again and again: those of the inputs, and now.

/** A prime: moments that are whole seconds or minutes apart do not meet. */
const PLACES = 1021
const moments = new Float64Array(PLACES).fill(Number.NaN)
const texts: string[] = Array(PLACES).fill('')

/**
 * `2026-11-24T15:00:00.000Z`, as `Date.prototype.toISOString`.
 * @throws RangeError when the date is none
 */
export function isoText(date: Date): string {
  const ms = date.getTime()
  const place = Math.abs(ms % PLACES)
  if (moments[place] === ms) return texts[place]!
  const text = date.toISOString()
  moments[place] = ms
  texts[place] = text
  return text
}
