// Lines out of the pieces that a connection gives, each turned into text once, when it is whole. What comes after the last line end is
// no line yet.

export interface LineReader {
  /** Tells of each line that this piece ends. */
  read(piece: Buffer): void
}

const LINE_END = 10

/** @param take is told of each line, without its end */
export function lineReader(take: (line: string) => void): LineReader {
  /** The beginning of a line whose end has not come yet. */
  let begun: Buffer[] = []
  return {
    read(piece) {
      let from = 0
      for (let end = piece.indexOf(LINE_END); end >= 0; end = piece.indexOf(LINE_END, from)) {
        if (begun.length === 0) {
          take(piece.toString('utf8', from, end))
        } else {
          begun.push(piece.subarray(from, end))
          const whole = Buffer.concat(begun)
          begun = []
          take(whole.toString('utf8'))
        }
        from = end + 1
      }
      if (from < piece.length) begun.push(from === 0 ? piece : piece.subarray(from))
    },
  }
}
