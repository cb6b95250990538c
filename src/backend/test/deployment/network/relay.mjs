// Stands for a server in a network namespace that runs outside of it: takes connections on a port there and hands them on over a socket in
// the file system, which all namespaces share. Leaves when its input ends.
//
//     node relay.mjs 5432 /tmp/…/database
import { connect, createServer } from 'node:net'

const [port, path] = process.argv.slice(2)

createServer((socket) => {
  const server = connect(path)
  for (const [one, other] of [
    [socket, server],
    [server, socket],
  ]) {
    one.on('error', () => other.destroy()).on('close', () => other.destroy())
    one.pipe(other)
  }
}).listen(Number(port), '0.0.0.0', () => process.stdout.write('listening\n'))
process.stdin.resume().on('end', () => process.exit())
