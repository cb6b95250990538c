// A lender on the internet, as the data service asks it: a rate for the stocks that it knows. Leaves when its input ends.
import { createServer } from 'node:http'

const RATE = { rate: 0.0321, status: 'HARD', available: 4200 }
const KNOWN = ['GME', 'AAPL']

createServer((request, response) => {
  const isKnown = KNOWN.some((ticker) => request.url?.endsWith(`/${ticker}`))
  response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' })
  response.end(JSON.stringify(isKnown ? { ...RATE, timestamp: new Date() } : { error: 'unknown' }))
}).listen(Number(process.argv[2]), '0.0.0.0', () => process.stdout.write('listening\n'))
process.stdin.resume().on('end', () => process.exit())
