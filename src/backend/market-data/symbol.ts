// One share, one ticker: the ways feeds write a symbol, brought to the one way of the contract.
//
// Lenders write `BRK B`, calendars `BRK-B` or `BRK/B`, exchanges `BRK.B`. A separator is normalised by rule. A symbol
// without one is ambiguous (is `GEFB` a class of GEF, or a name of its own?), so run-together forms are read by a table only.
// Case is kept: `BACpB` is a preferred, and upper-casing would turn it into another name.
import { asTicker, type Ticker } from '../pricing/units.ts'

const CLASS_SEPARATOR = /^([A-Z]{1,5})[ ./-]([A-Z]{1,2})$/

/** Run-together share classes that feeds really send. None of them is another listing's own symbol. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['AKOA', 'AKO.A'],
  ['AKOB', 'AKO.B'],
  ['BFA', 'BF.A'],
  ['BFB', 'BF.B'],
  ['BRKA', 'BRK.A'],
  ['BRKB', 'BRK.B'],
  ['CRDA', 'CRD.A'],
  ['CRDB', 'CRD.B'],
  ['CWENA', 'CWEN.A'],
  ['GEFB', 'GEF.B'],
  ['HEIA', 'HEI.A'],
  ['LENB', 'LEN.B'],
  ['MKCV', 'MKC.V'],
  ['MOGA', 'MOG.A'],
  ['MOGB', 'MOG.B'],
  ['TAPA', 'TAP.A'],
  ['UHALB', 'UHAL.B'],
  ['WSOB', 'WSO.B'],
])

/**
 * A feed's symbol as a ticker. For feeds only: the API takes tickers exactly as the contract writes them.
 * @returns null when the pattern of a ticker cannot hold it: most preferreds (`ABR PRD`), `.OLD` lines, bonds. Callers count those.
 */
export function normaliseSymbol(symbol: string): Ticker | null {
  const text = symbol.trim()
  const parts = CLASS_SEPARATOR.exec(text)
  return asTicker(parts === null ? (ALIASES.get(text) ?? text) : `${parts[1]}.${parts[2]}`)
}
