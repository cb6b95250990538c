// Answers that are kept for a day, small: compressed while they are made, and read again piece by piece, so that a large one lies
// nowhere whole as text.
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { createGunzip, createGzip } from 'node:zlib'

/** Fast rather than small: answers repeat themselves so much that any level takes most of it. */
const LEVEL = 1

export interface TextCompressor {
  add(text: string): Promise<void>
  /** All that was added, compressed. */
  end(): Promise<Buffer>
}

export function textCompressor(): TextCompressor {
  const chunks: Buffer[] = []
  const gzip = createGzip({ level: LEVEL })
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk))
  return {
    async add(text) {
      if (!gzip.write(text)) await once(gzip, 'drain')
    },
    async end() {
      gzip.end()
      await once(gzip, 'end')
      return Buffer.concat(chunks)
    },
  }
}

/** The text, in pieces of whole lines (the last line's end may be missing). */
export async function* linesOf(compressed: Buffer): AsyncGenerator<string> {
  const text = Readable.from([compressed]).pipe(createGunzip()).setEncoding('utf8')
  let rest = ''
  for await (const chunk of text) {
    const joined = rest + (chunk as string)
    const end = joined.lastIndexOf('\n') + 1
    rest = joined.slice(end)
    if (end > 0) yield joined.slice(0, end)
  }
  if (rest !== '') yield rest
}
