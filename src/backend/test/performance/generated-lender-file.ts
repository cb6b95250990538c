// A lender's short stock file of any size, made of the shapes that the demo excerpt of a real one has: its names, rates, `NA`s and
// caps, under generated tickers.
import { readFileSync } from 'node:fs'

const EXCERPT = new URL('../../database/demo-data/ibkr-usa-20251228-excerpt.txt', import.meta.url)
const SYMBOL = 0
const AVAILABLE = 7

/**
 * @param rows rows of the file, at most 26^3
 * @param minute minutes after 09:00 of the file's stamp, 0 to 59; a later file counts as newer
 * @param changedEvery every so-many-th row has other shares available than in the excerpt; 0 for none
 */
export function generatedLenderFile(rows: number, minute: number, changedEvery: number): string {
  const lines = readFileSync(EXCERPT, 'utf8').split(/\r?\n/)
  const shapes = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split('|'))
  const made = Array.from({ length: rows }, (_, index) => {
    const fields = [...shapes[index % shapes.length]!]
    fields[SYMBOL] = ticker(index)
    if (changedEvery > 0 && index % changedEvery === 0) fields[AVAILABLE] = String(1_000 + index)
    return fields.join('|')
  })
  const stamp = `#BOF|2025.12.29|09:${String(minute).padStart(2, '0')}:00`
  return [stamp, lines[1], ...made, `#EOF|${rows}`, ''].join('\n')
}

function ticker(index: number): string {
  const letter = (place: number): string => String.fromCharCode(65 + (Math.floor(index / 26 ** place) % 26))
  return letter(2) + letter(1) + letter(0)
}
