// The baseline of `single`: node:http alone. It reads and parses the same JSON body and answers the same bytes, kept in a file.
//   bare-server.ts <port> <file with the answer>
import { readFileSync } from 'node:fs'
import http from 'node:http'

const [port, file] = process.argv.slice(2)
const answer = readFileSync(file!)
const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': answer.length }

const server = http.createServer((request, response) => {
  if (request.method === 'GET') {
    response.end()
    return
  }
  const pieces: Buffer[] = []
  request.on('data', (piece: Buffer) => pieces.push(piece))
  request.on('end', () => {
    const body = JSON.parse(Buffer.concat(pieces).toString('utf8')) as { ticker?: string }
    response.writeHead(body.ticker === undefined ? 400 : 200, headers)
    response.end(answer)
  })
})
server.listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
