// A collector of traces that takes whatever comes and looks at nothing: what a span costs is then the engine's cost alone.
//   trace-sink.ts <port>
import http from 'node:http'

const [port] = process.argv.slice(2)
const server = http.createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end('{}')
  })
})
server.listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
