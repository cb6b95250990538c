// Ends what a process has started when that process is gone, however it went: killed, crashed, or a terminal closed over it. It is
// told by lines on its input, which ends with whoever holds the other end:
//
//     +<pid> <signal>     that process is to be ended, with that signal
//     -<pid>              it has ended by itself
//     folder <path>       is to be removed, last
//
// It leaves when there is nothing more to do. Plain JavaScript, so that it starts at once.
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const SETTLE_MS = 300

const processes = new Map()
const folders = new Set()

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [, sign, pid, signal] = /^([+-])(\d+) ?(SIG\w+)?$/.exec(line) ?? []
    if (sign === '+') processes.set(Number(pid), signal ?? 'SIGKILL')
    else if (sign === '-') processes.delete(Number(pid))
    else if (line.startsWith('folder ')) folders.add(line.slice('folder '.length))
  })
  .on('close', () => {
    for (const [pid, signal] of processes) {
      try {
        process.kill(pid, signal)
      } catch {
        // It was gone already.
      }
    }
    setTimeout(
      () => {
        for (const folder of folders) rmSync(folder, { recursive: true, force: true })
      },
      processes.size > 0 ? SETTLE_MS : 0,
    )
  })
