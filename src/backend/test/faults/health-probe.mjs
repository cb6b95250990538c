// Asks for the health of a process over and over, on a new connection each time, as an orchestrator does; in a thread of its own, since
// a test that makes the load has no time to look at a clock.
// Told where by `workerData.url`; told to stop by any message, it answers with how long each answer took and what it was.
import { get } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'

const PAUSE_MS = 5
const answers = []
let over = false

parentPort.once('message', () => {
  over = true
})

function probe() {
  const sentAt = performance.now()
  const note = (status) => {
    answers.push({ status, tookMs: performance.now() - sentAt })
    if (!over) setTimeout(probe, PAUSE_MS)
    else parentPort.postMessage(answers)
  }
  get(workerData.url, { agent: false }, (answer) => answer.resume().once('end', () => note(answer.statusCode))).once(
    'error',
    () => note(0),
  )
}
probe()
