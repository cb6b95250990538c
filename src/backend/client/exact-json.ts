// Reads JSON without losing a digit. The platform's parser turns 500000000.00 and 0.0625 into binary floats; a bill must come
// back as it was written, so every number token becomes its exact text before the platform's parser sees it.

/** A string (passed over whole, whatever stands inside) or a number token. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g

const INTEGER = /^-?[0-9]+$/

/**
 * Parses JSON text with every number as a string of its exact text: `{"total_fee":456.50}` gives `{ total_fee: '456.50' }`.
 * @param counts names of members that are counts, not quantities: they come back as numbers
 * @throws SyntaxError when the text is not JSON
 */
export function parseExactJson(text: string, counts: ReadonlySet<string> = new Set()): unknown {
  const quoted = text.replace(STRING_OR_NUMBER, (token) => (token.startsWith('"') ? token : `"${token}"`))
  return JSON.parse(quoted, (name, value: unknown) => {
    if (typeof value !== 'string' || !counts.has(name) || !INTEGER.test(value)) return value
    const count = Number(value)
    return Number.isSafeInteger(count) ? count : value
  })
}
