// The server's side of a WebSocket (RFC 6455), as far as `kubectl exec` and `attach` need it: binary messages, pings, a clean close.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

export interface WebSocketConnection {
  readonly protocol: string
  send(message: Buffer): void
  close(): void
  onMessage(listener: (message: Buffer) => void): void
  /** The other side left, in order or not. */
  onClose(listener: () => void): void
}

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const CONTINUATION = 0
const TEXT = 1
const CLOSE = 8
const PING = 9
const PONG = 10
const MESSAGE_BYTES_MAX = 16_777_216

/** Answers the upgrade with the first protocol of ours that the client knows. @returns null when there is none, and it is refused */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocols: readonly string[],
): WebSocketConnection | null {
  const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(/,\s*/)
  const protocol = protocols.find((name) => offered.includes(name))
  const key = request.headers['sec-websocket-key']
  if (protocol === undefined || key === undefined) {
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    return null
  }
  const accept = createHash('sha1')
    .update(key + MAGIC)
    .digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
  )
  return connection(socket, head, protocol)
}

function connection(socket: Duplex, head: Buffer, protocol: string): WebSocketConnection {
  let messageListener: (message: Buffer) => void = () => {}
  let closeListener: () => void = () => {}
  let unread = head
  let message = Buffer.alloc(0)
  let isOpen = true
  const send = (opcode: number, payload: Buffer) => {
    if (isOpen && socket.writable) socket.write(Buffer.concat([frameHead(opcode, payload.length), payload]))
  }
  const leave = () => {
    if (!isOpen) return
    isOpen = false
    closeListener()
  }
  const take = (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk])
    if (unread.length > MESSAGE_BYTES_MAX) socket.destroy()
    for (let frame = readFrame(unread); frame !== null; frame = readFrame(unread)) {
      unread = unread.subarray(frame.bytes)
      if (frame.opcode === PING) send(PONG, frame.payload)
      else if (frame.opcode === CLOSE) {
        send(CLOSE, frame.payload.subarray(0, 2))
        socket.end()
        leave()
      } else if (frame.opcode === CONTINUATION || frame.opcode <= TEXT + 1) {
        message = Buffer.concat([message, frame.payload])
        if (!frame.isLast) continue
        const whole = message
        message = Buffer.alloc(0)
        messageListener(whole)
      }
    }
  }
  socket.on('data', take)
  socket.on('close', leave)
  socket.on('error', leave)
  return {
    protocol,
    send: (payload) => send(TEXT + 1, payload),
    close() {
      send(CLOSE, Buffer.from([0x03, 0xe8])) // 1000: done
      socket.end()
      leave()
    },
    onMessage(listener) {
      messageListener = listener
      if (unread.length > 0) take(Buffer.alloc(0))
    },
    onClose(listener) {
      closeListener = listener
    },
  }
}

function frameHead(opcode: number, length: number): Buffer {
  const first = 0x80 | opcode
  if (length < 126) return Buffer.from([first, length])
  if (length < 65_536) return Buffer.from([first, 126, length >> 8, length & 0xff])
  const head = Buffer.alloc(10)
  head.writeUInt8(first, 0)
  head.writeUInt8(127, 1)
  head.writeBigUInt64BE(BigInt(length), 2)
  return head
}

interface Frame {
  readonly isLast: boolean
  readonly opcode: number
  readonly payload: Buffer
  /** Of the whole frame. */
  readonly bytes: number
}

/** The first frame, or null when it is not whole yet. A client masks what it sends. */
function readFrame(buffer: Buffer): Frame | null {
  if (buffer.length < 2) return null
  const [first, second] = [buffer.readUInt8(0), buffer.readUInt8(1)]
  const short = second & 0x7f
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
  const isMasked = (second & 0x80) !== 0
  const headBytes = 2 + lengthBytes + (isMasked ? 4 : 0)
  if (buffer.length < headBytes) return null
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2))
  if (buffer.length < headBytes + length) return null
  const payload = Buffer.from(buffer.subarray(headBytes, headBytes + length))
  if (isMasked) {
    const mask = buffer.subarray(headBytes - 4, headBytes)
    for (let at = 0; at < payload.length; at += 1) payload[at] = (payload[at] as number) ^ (mask[at % 4] as number)
  }
  return { isLast: (first & 0x80) !== 0, opcode: first & 0x0f, payload, bytes: headBytes + length }
}
