// A lender's short stock file of any size, made of the shapes that the demo excerpt of a real one has: its names, rates, `NA`s and
// caps, under generated tickers.
import { readFileSync } from 'node:fs'

const EXCERPT = new URL('../../database/demo-data/ibkr-usa-20251228-excerpt.txt', import.meta.url)
const SYMBOL = 0
const AVAILABLE = 7

/**
 * @param rows rows of the file, at most 26^3 + 26^4
 * @param minute minutes after 09:00 of the file's stamp, 0 to 59; a later file counts as newer
 * @param changedEvery every so-many-th row has other shares available than in the excerpt; 0 for none
 */
export function generatedLenderFile(rows: number, minute: number, changedEvery: number): string {
  const lines = readFileSync(EXCERPT, 'utf8').split(/\r?\n/)
  const shapes = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split('|'))
  const made = Array.from({ length: rows }, (_, index) => {
    const fields = [...shapes[index % shapes.length]!]
    fields[SYMBOL] = generatedTicker(index)
    if (changedEvery > 0 && index % changedEvery === 0) fields[AVAILABLE] = String(1_000 + index)
    return fields.join('|')
  })
  const stamp = `#BOF|2025.12.29|09:${String(minute).padStart(2, '0')}:00`
  return [stamp, lines[1], ...made, `#EOF|${rows}`, ''].join('\n')
}

/** The ticker of a row: three letters, and of rows from 26^3 on four. */
function generatedTicker(index: number): string {
  const letter = (place: number): string => String.fromCharCode(65 + (Math.floor(index / 26 ** place) % 26))
  const three = letter(2) + letter(1) + letter(0)
  return index < 26 ** 3 ? three : letter(3) + three
}

/** As if the lender had made it just now: shares of an old file count for nothing. */
export function stampedNow(file: string): string {
  const now = new Date().toLocaleString('sv-SE', { timeZone: 'America/New_York' })
  return file.replace(/^#BOF.*$/m, `#BOF|${now.replaceAll('-', '.').replace(' ', '|')}`)
}
