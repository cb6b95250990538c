// Somebody in a network namespace: listens on ports, saying who it is to whoever connects, and tries connections when it is told to. Told by
// lines of JSON on its input, it answers with lines on its output, and leaves when its input ends. Plain JavaScript, so that it starts at once.
//
//     { "listen": { "name": "data-service", "ports": [{ "protocol": "tcp", "port": 8443 }] } }   -> { "listening": true }
//     { "try": [{ "address": "10.0.0.5", "port": 8443, "protocol": "tcp" }] }                    -> { "tried": ["data-service", null] }
//     { "get": { "url": "http://10.0.0.5:8000/health", "headers": {}, "body": null } }           -> { "got": { "status": 200, "text": "…" } }
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'

/** What is refused is refused at once; this is for what falls silent. */
const WAIT_MS = 10_000
const AT_ONCE = 32

for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line)
  if (told.listen) {
    await Promise.all(told.listen.ports.map((port) => listen(port, told.listen.name)))
    say({ listening: true })
  } else if (told.try) say({ tried: await tryAll(told.try) })
  else if (told.get) say({ got: await get(told.get) })
}
process.exit()

function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

function listen({ protocol, port }, name) {
  return new Promise((done, fail) => {
    if (protocol === 'udp') {
      const socket = createSocket('udp4')
      socket.on('error', fail).on('message', (_, from) => socket.send(name, from.port, from.address))
      socket.bind(port, done)
    } else {
      const server = createServer((socket) => socket.on('error', () => {}).end(name))
      server.on('error', fail).listen(port, '0.0.0.0', 512, done)
    }
  })
}

async function tryAll(targets) {
  const answers = new Array(targets.length)
  let next = 0
  const lane = async () => {
    while (next < targets.length) {
      const at = next++
      answers[at] = await (targets[at].protocol === 'udp' ? askUdp(targets[at]) : askTcp(targets[at]))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return answers
}

/** Who answered; null: nobody. */
function askTcp({ address, port }) {
  return new Promise((done) => {
    let said = ''
    const socket = connect({ host: address, port })
    const over = (who) => {
      clearTimeout(late)
      socket.destroy()
      done(who)
    }
    const late = setTimeout(() => over(null), WAIT_MS)
    socket.on('data', (piece) => (said += piece))
    socket.on('error', () => over(null))
    socket.on('end', () => over(said || null))
  })
}

function askUdp({ address, port }) {
  return new Promise((done) => {
    const socket = createSocket('udp4')
    const over = (who) => {
      clearTimeout(late)
      socket.close()
      done(who)
    }
    const late = setTimeout(() => over(null), WAIT_MS)
    socket.on('error', () => over(null))
    socket.on('message', (who) => over(String(who)))
    // Connected, so that a refusal comes back as an error.
    socket.connect(port, address, (error) => {
      if (error) over(null)
      else socket.send('who', (failed) => failed && over(null))
    })
  })
}

async function get({ url, headers, body }) {
  try {
    const answer = await fetch(url, {
      method: body === null ? 'GET' : 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(WAIT_MS * 2),
    })
    return { status: answer.status, text: await answer.text() }
  } catch (error) {
    return { status: 0, text: String(error.cause ?? error) }
  }
}
