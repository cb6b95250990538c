// A process that takes from a limit in Redis as fast as it can: `node --import tsx test/limit-process.ts <redis url> <client> <limit> <requests>`.
// It says `ready`, begins with the first line that it reads, and says how many were let through.
import { once } from 'node:events'
import { sharedRateLimiter } from '../access/shared-rate-limit.ts'
import { testRedisStore } from './redis-store.ts'

const [url = '', client = '', limit, requests] = process.argv.slice(2)
const store = testRedisStore({ url })
const limiter = sharedRateLimiter({ runScript: store.runScript!, keyPrefix: 'limit:', clock: () => new Date() })
await store.get('connected')
console.log('ready')
await once(process.stdin, 'data')
const taken = await Promise.all(Array.from({ length: Number(requests) }, () => limiter.take(client, Number(limit), 1)))
console.log(`${taken.filter(({ allowed }) => allowed).length} ${limiter.state().aloneRequests}`)
await store.close()
process.stdin.destroy()
