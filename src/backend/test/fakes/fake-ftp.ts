// As much of an FTP server as a client needs that logs in and fetches a file: passive mode, binary, one folder.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

export interface FakeFtp {
  readonly port: number
  close(): Promise<void>
}

interface FakeFtpOptions {
  readonly port: number
  readonly file: (name: string) => Buffer | null
  /** `hang` never answers a RETR, `truncated` sends half, `500` refuses the login; everything else is well. */
  readonly mode: () => string
}

export async function startFakeFtp({ port, file, mode }: FakeFtpOptions): Promise<FakeFtp> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    keep(sockets, socket)
    converse(socket, sockets, file, mode)
  })
  await listening(server, port)
  return {
    port: portOf(server),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function converse(socket: Socket, sockets: Set<Socket>, file: FakeFtpOptions['file'], mode: () => string): void {
  let data: Promise<Socket> | null = null
  const say = (line: string) => socket.write(`${line}\r\n`)

  async function passive(): Promise<number> {
    const server = createServer()
    data = new Promise((resolve) => {
      server.once('connection', (connection) => {
        keep(sockets, connection)
        server.close()
        resolve(connection)
      })
    })
    await listening(server, 0)
    server.unref()
    return portOf(server)
  }

  async function retrieve(name: string): Promise<void> {
    const content = file(name.replace(/^\//, ''))
    if (content === null || data === null) return void say('550 No such file')
    if (mode() === 'hang') return
    const connection = await data
    say('150 Opening BINARY mode data connection')
    if (mode() === 'truncated') {
      connection.end(content.subarray(0, Math.floor(content.length / 2)))
      return void say('426 Connection closed; transfer aborted')
    }
    connection.end(content, () => say('226 Transfer complete'))
  }

  async function command(line: string): Promise<void> {
    const [word = '', ...rest] = line.split(' ')
    const argument = rest.join(' ')
    switch (word.toUpperCase()) {
      case 'USER':
        if (mode() === '500') return void say('530 Login incorrect')
        return void say(argument === 'shortstock' ? '331 Password, please' : '530 Login incorrect')
      case 'PASS':
        return void say('230 Logged in')
      case 'FEAT':
        return void say('211-Features:\r\n EPSV\r\n SIZE\r\n211 End')
      case 'EPSV':
        return void say(`229 Entering Extended Passive Mode (|||${await passive()}|)`)
      case 'PASV': {
        const at = await passive()
        return void say(`227 Entering Passive Mode (127,0,0,1,${at >> 8},${at & 255})`)
      }
      case 'SIZE': {
        const content = file(argument.replace(/^\//, ''))
        return void say(content === null ? '550 No such file' : `213 ${content.length}`)
      }
      case 'RETR':
        return retrieve(argument)
      case 'QUIT':
        say('221 Goodbye')
        return void socket.end()
      case 'TYPE':
      case 'STRU':
      case 'OPTS':
      case 'CWD':
        return void say('200 Fine')
      default:
        return void say('502 Not here')
    }
  }

  let waiting = ''
  socket.on('data', (piece) => {
    const lines = (waiting + piece.toString('utf8')).split('\r\n')
    waiting = lines.pop() ?? ''
    for (const line of lines) void command(line)
  })
  say('220 Fake')
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  socket.on('error', () => {})
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
