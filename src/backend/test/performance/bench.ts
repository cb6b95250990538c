// npm run bench -- [kernel] [import] [single] [batch] [rates] [stream] [cluster] [observability] [audit] [search --records=5000000]: measures what the engine costs, each part beside its
// baseline in the same run. Without a name all parts run but search, which first fills in its millions of records: a quarter of an hour, and
// 4 kB of disk a record. Prints the machine with the figures and keeps both in test/performance/results/.
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine } from './machine.ts'

/** Each part loads its own code: the kernel is measured in a process that has seen nothing else. */
const PARTS: Readonly<Record<string, () => Promise<object>>> = {
  kernel: async () => (await import('./kernel.ts')).kernel(),
  import: async () => (await import('./importing.ts')).importing(),
  single: async () => (await import('./single.ts')).single(),
  batch: async () => (await import('./batches.ts')).batches(),
  rates: async () => (await import('./rates.ts')).listingRates(),
  stream: async () => (await import('./stream.ts')).stream(),
  cluster: async () => (await import('./cluster.ts')).cluster(),
  observability: async () => (await import('./observability.ts')).observability(),
  audit: async () => (await import('./audit.ts')).audit(),
  search: async () => (await import('./searching.ts')).searching(Number(options.records)),
}
/** Only when it is named. */
const LONG = 'search'

const { positionals: asked, values: options } = parseArgs({
  allowPositionals: true,
  options: { records: { type: 'string', default: '5000000' } },
})
const unknown = asked.filter((name) => !Object.hasOwn(PARTS, name))
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}. The parts: ${Object.keys(PARTS).join(', ')}.`)
  process.exitCode = 2
} else {
  await run(asked.length > 0 ? asked : Object.keys(PARTS).filter((name) => name !== LONG))
}

async function run(names: readonly string[]): Promise<void> {
  const startedAt = new Date()
  const where = machine()
  console.log(`${where.cpu}, ${where.cores} cores, ${where.memory_gib} GiB, ${where.platform}`)
  console.log(`Node ${where.node}, ${startedAt.toISOString()}\n`)
  for (const name of names) {
    const result = await PARTS[name]!()
    keep(name, startedAt, { part: name, started_at: startedAt.toISOString(), machine: where, ...result })
    console.log('')
  }
}

function keep(name: string, startedAt: Date, result: object): void {
  const folder = fileURLToPath(new URL('./results/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const stamp = startedAt.toISOString().replaceAll(/[:.]/g, '-')
  writeFileSync(`${folder}${name}-${stamp}.json`, `${JSON.stringify(result, null, 2)}\n`)
}
