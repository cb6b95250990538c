// The baseline of every measurement over HTTP: node:http alone, and plain JavaScript, so that nothing else is started or kept. It
// reads and parses the same JSON body and answers the same bytes, kept in a file.
//   bare-server.mjs <port> <file with the answer>
import { readFileSync } from 'node:fs'
import http from 'node:http'

const [port, file] = process.argv.slice(2)
const answer = readFileSync(file)
const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': answer.length }

const server = http.createServer((request, response) => {
  if (request.method === 'GET') {
    response.end()
    return
  }
  const pieces = []
  request.on('data', (piece) => pieces.push(piece))
  request.on('end', () => {
    const body = JSON.parse(Buffer.concat(pieces).toString('utf8'))
    response.writeHead(body.ticker === undefined ? 400 : 200, headers)
    response.end(answer)
  })
})
server.listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
