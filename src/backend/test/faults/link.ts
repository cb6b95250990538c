// A line between the engine and a server that can be cut, and mended: what a network does, while the server itself is well.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Link {
  /** The same address by way of this line. */
  through(url: string): string
  /** Every connection ends at once, and none is taken. */
  cut(): Promise<void>
  /** On the same port. */
  mend(): Promise<void>
  /** From now on to another server of this machine, as a name does when a database fails over; connections to the one before end. */
  switchTo(serverPort: number): void
  close(): Promise<void>
}

/** @param serverPort of a server on this machine */
export async function startLink(serverPort: number): Promise<Link> {
  let farPort = serverPort
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(farPort, '127.0.0.1')
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject)
        resolve()
      })
    })
  await listen(0)
  const { port } = server.address() as AddressInfo
  const endAll = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const cut = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    endAll()
    await closed
  }
  return {
    through(url) {
      const through = new URL(url)
      through.port = String(port)
      return through.href
    },
    cut,
    mend: () => listen(port),
    switchTo(to) {
      farPort = to
      endAll()
    },
    async close() {
      if (server.listening) await cut()
    },
  }
}
