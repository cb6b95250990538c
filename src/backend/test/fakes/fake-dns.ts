// A name server at the socket: answers A and AAAA questions over UDP from a table that a test changes as it goes. Names that are not in
// the table do not exist.
import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'

export interface FakeDns {
  /** `127.0.0.1:41234`, as a resolver is told. */
  readonly address: string
  /** What a name leads to: addresses, or a function that is asked at each question. */
  readonly names: Map<string, readonly string[] | ((question: number) => readonly string[])>
  /** Names that are never answered. */
  readonly silent: Set<string>
  stop(): Promise<void>
}

const A = 1
const AAAA = 28
const NO_SUCH_NAME = 3

export async function startFakeDns(): Promise<FakeDns> {
  const names: FakeDns['names'] = new Map()
  const silent: FakeDns['silent'] = new Set()
  const asked = new Map<string, number>()
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const { name, type, end } = questionOf(query)
    if (silent.has(name)) return
    // One look at a name asks twice, for each family.
    const question = asked.get(`${name} ${type}`) ?? 0
    asked.set(`${name} ${type}`, question + 1)
    const known = names.get(name)
    const addresses = typeof known === 'function' ? known(question) : known
    socket.send(answer(query.subarray(0, end), type, addresses ?? null), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${socket.address().port}`,
    names,
    silent,
    stop: () => new Promise((resolve) => socket.close(resolve)),
  }
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** @param addresses null: there is no such name */
function answer(query: Buffer, type: number, addresses: readonly string[] | null): Buffer {
  const family = type === A ? 4 : type === AAAA ? 6 : 0
  const fitting = (addresses ?? []).filter((address) => isIP(address) === family)
  const head = Buffer.from(query)
  head.writeUInt16BE(0x8180 | (addresses === null ? NO_SUCH_NAME : 0), 2)
  head.writeUInt16BE(fitting.length, 6)
  head.writeUInt32BE(0, 8)
  const records = fitting.map((address) => {
    const data = family === 4 ? Buffer.from(address.split('.').map(Number)) : bytesOf(address)
    const record = Buffer.alloc(12)
    record.writeUInt16BE(0xc00c, 0) // the name of the question
    record.writeUInt16BE(type, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt16BE(data.length, 10)
    return Buffer.concat([record, data])
  })
  return Buffer.concat([head, ...records])
}

/** The sixteen bytes of an IPv6 address. */
function bytesOf(address: string): Buffer {
  const [before = '', after = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const [left, right] = [groups(before), groups(after)]
  const all = [...left, ...Array(8 - left.length - right.length).fill(0), ...right] as number[]
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}
