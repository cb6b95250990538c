// npm run bench -- [part ...] [--quick] [--keep] [--records=5000000] [--minutes=60] [--rate=1500]: measures what the engine costs, each
// part beside its baseline in the same run, and holds it against what the engine promises. Prints the machine and the versions with the
// figures and keeps them in test/performance/results/; with --keep also in docs/performance/, from which `npm run documents` makes
// docs/performance.md. Without a name the usual parts run; the long ones, minutes to an hour, when they are named.
//
//     --quick      shortest rounds: shows that a part runs, its figures mean little
//     --records    how many records `search` fills in (5 000 000), and the longest history of `growth` (1 000 000)
//     --minutes    how long `endurance` lasts (60)
//     --rate       requests a second of `open-loop`; unless said, shares of what a closed loop finds
//
// Leaves with 1 when a part fails, and when `endurance` is not flat; a missed target is told and is no failure.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { BenchOptions } from './effort.ts'
import { machine, machineLines } from './machine.ts'
import { type Target, targetLines } from './targets.ts'

type Part = (options: BenchOptions) => Promise<object>

/** Each part loads its own code: the kernel is measured in a process that has seen nothing else. */
const PARTS: Readonly<Record<string, Part>> = {
  kernel: async () => (await import('./kernel.ts')).kernel(),
  import: async () => (await import('./importing.ts')).importing(),
  single: async (options) => (await import('./single.ts')).single(options),
  'open-loop': async (options) => (await import('./open-loop.ts')).openLoopLatency(options),
  batch: async (options) => (await import('./batches.ts')).batches(options),
  'start-up': async (options) => (await import('./start-up.ts')).startUp(options),
  memory: async (options) => (await import('./memory.ts')).memory(options),
  rates: async () => (await import('./rates.ts')).listingRates(),
  stream: async () => (await import('./stream.ts')).stream(),
  cluster: async (options) => (await import('./cluster.ts')).cluster(options),
  observability: async (options) => (await import('./observability.ts')).observability(options),
  audit: async (options) => (await import('./audit.ts')).audit(options),
  growth: async (options) => (await import('./growth.ts')).growth(options),
  endurance: async (options) => (await import('./endurance.ts')).endurance(options),
  search: async (options) => (await import('./searching.ts')).searching(options),
}
/** Only when they are named. */
const LONG: readonly string[] = ['growth', 'endurance', 'search']

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url))
const KEPT = fileURLToPath(new URL('../../../../docs/performance/', import.meta.url))

const { positionals: asked, values } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    records: { type: 'string' },
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string' },
  },
})
const options: BenchOptions = {
  quick: values.quick,
  records: values.records === undefined ? null : Number(values.records),
  minutes: Number(values.minutes),
  rate: values.rate === undefined ? null : Number(values.rate),
}
const unknown = asked.filter((name) => !Object.hasOwn(PARTS, name))
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}. The parts: ${Object.keys(PARTS).join(', ')}.`)
  process.exitCode = 2
} else {
  for (const name of asked.length > 0 ? asked : Object.keys(PARTS).filter((part) => !LONG.includes(part))) {
    await run(name)
  }
}

async function run(name: string): Promise<void> {
  const startedAt = new Date()
  const where = await machine()
  console.log(machineLines(where, startedAt).join('\n'))
  if (options.quick) console.log('--quick: these figures show that the part runs, and mean little')
  const measured = await PARTS[name]!(options)
  const targets = (measured as { targets?: readonly Target[] }).targets ?? []
  if (targets.length > 0) console.log(['  targets', ...targetLines(targets)].join('\n'))
  const took = Math.round((Date.now() - startedAt.getTime()) / 1_000)
  console.log(`  ${name} took ${took} s\n`)
  const began = startedAt.toISOString()
  const result = {
    part: name,
    started_at: began,
    took_seconds: took,
    quick: options.quick,
    machine: where,
    ...measured,
  }
  keep(`${RESULTS}${name}-${began.replaceAll(/[:.]/g, '-')}.json`, result)
  if (values.keep) keep(`${KEPT}${name}.json`, result)
}

function keep(path: string, result: object): void {
  mkdirSync(dirname(path), { recursive: true })
  // Six digits are more than any of it is good for.
  const rounded = (_name: string, value: unknown) =>
    typeof value !== 'number' || Number.isInteger(value) ? value : Number(value.toPrecision(6))
  writeFileSync(path, `${JSON.stringify(result, rounded, 2)}\n`)
}
