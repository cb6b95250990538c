// A process that starts the five services and then only waits, for the test of what becomes of them when it is killed. Reads where
// the database is from its input, says which processes it started and where their logs lie.
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { SERVICE_NAMES, startFiveServices } from '../tools/local-cluster.ts'

const { url, urls } = JSON.parse(await text(process.stdin)) as { url: string; urls: Record<string, string> }
const cluster = await startFiveServices({
  postgres: { url, urlFor: (role) => urls[role]!, passwordOf: (role) => new URL(urls[role]!).password },
})
const pids = SERVICE_NAMES.map((name) => cluster.services[name].pid())
process.stdout.write(JSON.stringify({ pids, folder: dirname(cluster.services['api-gateway'].logFile) }))
setInterval(() => {}, 60_000)
