// Reads the tables of a Markdown document, so that a table can be compared with the code that it describes.

/** Rows of the first table under a heading, each as its cells' text without backticks. The header row is not among them. */
export function tableUnder(document: string, heading: string): string[][] {
  const lines = document.split('\n')
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (start === -1) throw new Error(`the document has no heading "${heading}"`)
  const rows: string[][] = []
  for (const line of lines.slice(start + 1)) {
    if (line.startsWith('|')) rows.push(cells(line))
    else if (rows.length > 0 || line.startsWith('#')) break
  }
  if (rows.length < 3) throw new Error(`there is no table with rows under "${heading}"`)
  return rows.slice(2)
}

/** The rows of all tables of a document, header rows left out. */
export function allTableRows(document: string): string[][] {
  const lines = document.split('\n')
  return lines
    .filter(
      (line, index) =>
        line.startsWith('|') && !/^\|[\s|:-]+\|?$/.test(line) && !/^\|[\s|:-]+\|?$/.test(lines[index + 1] ?? ''),
    )
    .map(cells)
}

function cells(line: string): string[] {
  return line
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('`', '').replaceAll('\\|', '|'))
}

/** What stands in one list and not in the other, in words. */
export function differences(documented: readonly string[], real: readonly string[]): string[] {
  const inDocument = new Set(documented)
  const inCode = new Set(real)
  return [
    ...documented.filter((entry) => !inCode.has(entry)).map((entry) => `documented, not in the code: ${entry}`),
    ...real.filter((entry) => !inDocument.has(entry)).map((entry) => `in the code, not documented: ${entry}`),
  ]
}
