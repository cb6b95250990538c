// Requests at a fixed rate, whatever becomes of those before: an open loop. A client that waits for its last answer before it asks again
// spares a slow server the very requests that would have waited; here a request is due when it is due, and its latency counts from
// then. Gaps are those of senders that know nothing of one another (exponential), from a seed.
//
//     open-loop-generator.mjs <file with the settings>
//
// A process of its own and as little work as can be: requests are bytes made before, on sockets that are open before, and what is due is
// sent at each tick of a millisecond and whenever an answer comes. It writes a line of JSON each `windowSeconds`, and one with `"whole"`
// at the end. `lag_*` is how late it was itself: from when a request was due to when it was taken up, with a free socket or without.
import { readFileSync } from 'node:fs'
import net from 'node:net'

/** How long the last answers are waited for. */
const LAST_ANSWERS_MS = 5_000

/** Counts stand in steps of one in a hundred, from a microsecond to five minutes. */
const STEPS = 1_970
const STEP = Math.log(1.01)

const now = () => performance.timeOrigin + performance.now()

await generate(JSON.parse(readFileSync(process.argv[2], 'utf8')))

/** Mulberry32. */
function randomFrom(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

async function generate({ url, requests, rate, seconds, connections, windowSeconds, seed }) {
  const bytes = requests.map((request) => bytesOf(url, request))
  const free = []
  const waiting = []
  const whole = counts()
  let window = counts()
  let sent = 0
  let answered = 0
  let due = 0
  /** When the next one is. */
  let nextMs = Number.POSITIVE_INFINITY
  /** How many there were, once the last one was due. */
  let allDue = null
  /** Answered when the last one was due. */
  let inTime = 0
  let finish
  const finished = new Promise((resolve) => {
    finish = resolve
  })

  const send = (socket, dueMs) => {
    socket.dueMs = dueMs
    socket.sentMs = now()
    socket.write(bytes[sent % bytes.length])
    sent += 1
  }
  /** Unless a request waits for a free one. */
  const rest = (socket) => {
    const next = waiting.shift()
    if (next === undefined) free.push(socket)
    else send(socket, next)
  }
  const onAnswer = (socket, status) => {
    const atMs = now()
    for (const of of [whole, window]) {
      if (status !== 200) of.failed += 1
      note(of.latency, atMs - socket.dueMs)
      note(of.service, atMs - socket.sentMs)
    }
    answered += 1
    rest(socket)
    sendDue()
    if (answered === allDue) finish()
  }
  // A server lets go of a connection that rested too long; another takes its place.
  const onClose = (socket) => {
    const at = free.indexOf(socket)
    if (at === -1) throw new Error('the server closed a connection that had a request')
    free.splice(at, 1)
    void connected(url, onAnswer, onClose).then(rest)
  }
  for (let index = 0; index < connections; index += 1) rest(await connected(url, onAnswer, onClose))

  const random = randomFrom(seed)
  const gapMs = () => (-Math.log(1 - random()) * 1_000) / rate
  const startMs = now()
  const endMs = startMs + seconds * 1_000
  nextMs = startMs + gapMs()
  function sendDue() {
    const atMs = now()
    for (; nextMs <= atMs && nextMs < endMs; nextMs += gapMs()) {
      for (const of of [whole, window]) note(of.lag, atMs - nextMs)
      due += 1
      // The one that rested longest.
      const socket = free.shift()
      if (socket === undefined) waiting.push(nextMs)
      else send(socket, nextMs)
    }
  }
  const tick = () => {
    sendDue()
    if (nextMs < endMs) {
      setTimeout(tick, nextMs - now())
      return
    }
    allDue = due
    inTime = answered
    if (answered === allDue) finish()
  }
  tick()
  const windows = setInterval(() => {
    // The last one ends when everything does.
    if (now() < endMs)
      say({ window: true, at_seconds: (now() - startMs) / 1_000, ...figures(window), waiting: waiting.length })
    window = counts()
  }, windowSeconds * 1_000)
  const late = setTimeout(finish, seconds * 1_000 + LAST_ANSWERS_MS)
  await finished
  clearInterval(windows)
  clearTimeout(late)
  say({ whole: true, rate, seconds, due, in_time: inTime, unanswered: due - answered, ...figures(whole) })
  process.exit(0)
}

function bytesOf(url, { headers, body }) {
  const { host, pathname } = new URL(url)
  const lines = Object.entries({ host, ...headers, 'content-length': Buffer.byteLength(body) })
  return Buffer.from(
    `POST ${pathname} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  )
}

function connected(url, onAnswer, onClose) {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: hostname, port: Number(port), noDelay: true }, () => resolve(socket))
    let left = 0
    let status = 0
    let head = null
    socket.on('error', reject)
    socket.on('close', () => onClose(socket))
    socket.on('data', (chunk) => {
      if (left > 0) {
        left -= chunk.length
        if (left === 0) onAnswer(socket, status)
        return
      }
      head = head === null ? chunk : Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end === -1) return
      const text = head.latin1Slice(0, end)
      status = Number(text.slice(9, 12))
      left = Number(/\r\ncontent-length: ([0-9]+)/i.exec(text)?.[1]) + end + 4 - head.length
      head = null
      if (Number.isNaN(left)) throw new Error(`an answer of unknown length:\n${text}`)
      if (left === 0) onAnswer(socket, status)
    })
  })
}

// ---- counting

function counts() {
  return { latency: new Int32Array(STEPS), service: new Int32Array(STEPS), lag: new Int32Array(STEPS), failed: 0 }
}

function note(of, ms) {
  const us = Math.max(1, ms * 1_000)
  of[Math.min(STEPS - 1, Math.round(Math.log(us) / STEP))] += 1
}

function at(of, share) {
  const count = of.reduce((sum, each) => sum + each, 0)
  let left = Math.ceil(count * share)
  for (let step = 0; step < STEPS; step += 1) {
    left -= of[step]
    if (left <= 0) return count === 0 ? null : Math.exp(step * STEP) / 1_000
  }
  return null
}

function figures({ latency, service, lag, failed }) {
  return {
    answered: latency.reduce((sum, each) => sum + each, 0),
    failed,
    p50_ms: at(latency, 0.5),
    p90_ms: at(latency, 0.9),
    p99_ms: at(latency, 0.99),
    p999_ms: at(latency, 0.999),
    max_ms: at(latency, 1),
    service_p50_ms: at(service, 0.5),
    service_p99_ms: at(service, 0.99),
    lag_p50_ms: at(lag, 0.5),
    lag_p99_ms: at(lag, 0.99),
    lag_max_ms: at(lag, 1),
  }
}

function say(of) {
  process.stdout.write(`${JSON.stringify(of)}\n`)
}
