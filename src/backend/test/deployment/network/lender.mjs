// A lender on the internet, as the data service asks it: one rate for every stock. Leaves when its input ends.
import { createServer } from 'node:http'

const RATE = { rate: 0.0321, status: 'HARD', available: 4200 }

createServer((_, response) => {
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ ...RATE, timestamp: new Date() }))
}).listen(Number(process.argv[2]), '0.0.0.0', () => process.stdout.write('listening\n'))
process.stdin.resume().on('end', () => process.exit())
