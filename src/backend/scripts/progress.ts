// How long work is seen to go on: a bar on a terminal.
import { SingleBar } from 'cli-progress'

export interface Progress {
  /** @param total null while nobody knows */
  readonly update: (done: number, total: number | null) => void
  readonly done: () => void
}

/** Drawn on the error output, so that what is printed can be passed on. `unit` is what is counted: rows, records. */
export function progressBar(words: string, unit: string): Progress {
  const known = `${words} {bar} {percentage}% {value}/{total} ${unit}`
  const unknown = `${words} {value} ${unit}`
  let bar: SingleBar | null = null
  let total: number | null = null
  return {
    update: (done, of) => {
      if (bar === null || (of === null) !== (total === null)) {
        bar?.stop()
        bar = new SingleBar({ format: of === null ? unknown : known, hideCursor: true })
        bar.start(of ?? 0, done)
      }
      if (of !== null && of !== total) bar.setTotal(of)
      total = of
      bar.update(done)
    },
    done: () => bar?.stop(),
  }
}

/** Where no bar can be drawn: nothing, for what counts is printed at the end. */
export const NO_PROGRESS: Progress = { update: () => {}, done: () => {} }
