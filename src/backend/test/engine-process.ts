// An engine process that only holds the embedded database, for tests that need one to die: joins the folder it is given, says
// `ready <url>`, leaves when its input ends.
import { startEmbeddedPostgres } from '../database/embedded.ts'

const [dataDir, binariesFolder] = process.argv.slice(2)
const server = await startEmbeddedPostgres({
  dataDir: dataDir!,
  durable: true,
  log: { info: () => {}, warn: () => {} },
  ...(binariesFolder === undefined ? {} : { binariesFolder }),
})
process.stdout.write(`ready ${server.url}\n`)
process.stdin.resume()
process.stdin.on('end', async () => {
  await server.stop()
  process.exit(0)
})
