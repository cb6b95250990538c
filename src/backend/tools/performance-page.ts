// docs/performance.md and its pictures, made from the results that `npm run bench -- --keep` left in docs/performance/: whatever was
// kept is told, and what was not is not. The words of docs/performance/notes.md are written by hand and stand in the page as they are.
import { existsSync, readFileSync } from 'node:fs'
import type { Machine } from '../test/performance/machine.ts'
import {
  ASSUMPTIONS,
  daysOfStorage,
  limitsOf,
  PRICES,
  PRODUCTION,
  planFor,
  type QuoteCost,
  SERVICES,
  type Service,
} from './capacity-model.ts'
import { type Chart, lineChart, numberText } from './line-chart.ts'

interface Figure {
  readonly median: number | null
  readonly min: number | null
  readonly max: number | null
}

interface Target {
  readonly name: string
  readonly target: string
  readonly measured: number | null
  readonly met: boolean
  readonly missed_by: number | null
}

interface Kept {
  readonly part: string
  readonly started_at: string
  readonly took_seconds: number
  readonly quick: boolean
  readonly machine: Machine
  readonly targets?: readonly Target[]
}

interface Figures {
  readonly requests_per_second: Figure
  readonly p50_ms: Figure
  readonly p99_ms: Figure
  readonly cpu_us: Figure
  readonly cpu_us_of: Readonly<Record<string, Figure>>
}

/** Parts in the order of the page. */
const PARTS = [
  'single',
  'open-loop',
  'audit',
  'batch',
  'cluster',
  'kernel',
  'start-up',
  'memory',
  'observability',
  'import',
  'growth',
  'endurance',
] as const
type Part = (typeof PARTS)[number]

/** Texts by their paths below docs/. @param folder where the results are kept, with a slash at the end */
export function performancePage(folder: string): ReadonlyMap<string, string> {
  const kept = new Map<Part, Kept>()
  for (const part of PARTS) {
    const path = `${folder}${part}.json`
    if (existsSync(path)) kept.set(part, JSON.parse(readFileSync(path, 'utf8')) as Kept)
  }
  const pictures = new Map<string, string>()
  const draw = (name: string, chart: Chart): string => {
    pictures.set(`performance/${name}.svg`, lineChart(chart))
    return `![${chart.title}](performance/${name}.svg)`
  }
  const sections = PARTS.flatMap((part) => {
    const result = kept.get(part)
    return result === undefined ? [] : [SECTIONS[part](result, draw)]
  })
  const text = [
    HEAD,
    targetsOf([...kept.values()]),
    readFileSync(`${folder}notes.md`, 'utf8').trim(),
    measuredOn([...kept.values()]),
    ...sections,
    capacity(kept),
    HOW,
  ]
    .filter((section) => section !== '')
    .join('\n\n')
  return new Map([['performance.md', `${text}\n`], ...pictures])
}

const HEAD = `# Performance

What the engine costs, beside a baseline measured in the same run, and beside what it promises. Load, engine and database shared one machine, so what travels to another is a
ratio, and processor time; requests a second do not. A figure is a median, with the whole spread of its rounds in parentheses. For requests the baseline is
a bare \`node:http\` server that parses the same JSON body and answers as many bytes, and does nothing else.

This page is made by \`npm run documents\` from the results in \`docs/performance/\`; [how to measure by yourself](#how-to-measure-by-yourself) is at its end.`

const HOW = `## How to measure by yourself

\`\`\`
npm run bench                                     # the usual parts
npm run bench -- single open-loop                 # some of them
npm run bench -- growth --records=20000000        # with a history of twenty million records
npm run bench -- endurance --minutes=60           # leaves with 1 when something is not flat
npm run bench -- single --quick                   # shows that a part runs, and little more
npm run bench -- single --keep && npm run documents   # into this page
\`\`\`

Each part prints the machine, the versions and how busy the machine was before, and leaves its JSON beside the harness, with \`--keep\` in
\`docs/performance/\` too. Requests are driven by \`wrk\` where it is installed (\`apt-get install wrk\`); the client that stands in for it costs more than what it measures.
Requests vary: two hundred of them, over the names of the demonstration. PostgreSQL forces every commit to the disk. Nothing is shed and no limit is reached, so that what is measured
is work and not refusals; validation, keys, limits, metrics, the log of requests and exact prices are all on.`

// ---- what is the same everywhere

const value = (of: Figure | undefined, decimals = 0): string =>
  of?.median === null || of?.median === undefined ? '-' : grouped(of.median, decimals)

const spread = (of: Figure | undefined, decimals = 0): string =>
  of?.median === null || of?.median === undefined
    ? '-'
    : `${grouped(of.median, decimals)} (${grouped(of.min ?? 0, decimals)} to ${grouped(of.max ?? 0, decimals)})`

function grouped(number: number, decimals = 0): string {
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals }
  return number.toLocaleString('en-US', options).replaceAll(',', ' ')
}

const percent = (share: number, decimals = 0) => `${(share * 100).toFixed(decimals)} %`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), `|${head.map((_, at) => (at === 0 ? '---' : '---:')).join('|')}|`, ...rows.map(line)].join('\n')
}

const LOAD_HEAD = ['', 'requests/s', 'p50, ms', 'p99, ms', 'processor time a request, us', 'of that']

function loadRow(name: string, of: Figures): string[] {
  const parts = Object.entries(of.cpu_us_of)
  const shares = parts.length < 2 ? '' : parts.map(([process, us]) => `${process} ${value(us)}`).join(', ')
  return [name, spread(of.requests_per_second), value(of.p50_ms, 2), value(of.p99_ms, 2), spread(of.cpu_us), shares]
}

function targetsOf(kept: readonly Kept[]): string {
  const rows = kept.flatMap(({ part, targets = [] }) =>
    targets.map(({ name, target, measured, met, missed_by }) => [
      name,
      `\`${part}\``,
      target,
      measured === null ? '-' : short(measured),
      met ? 'met' : missed_by === null || missed_by === 0 ? '**missed**' : `**missed** by ${short(missed_by)}`,
    ]),
  )
  if (rows.length === 0) return ''
  return `## What is promised\n\n${table(['', 'part', 'target', 'measured', ''], rows)}`
}

function short(number: number): string {
  const digits = number === 0 ? 1 : Math.floor(Math.log10(Math.abs(number))) + 1
  return grouped(number, Math.min(3, Math.max(0, 3 - digits)))
}

function measuredOn(kept: readonly Kept[]): string {
  if (kept.length === 0) return ''
  const rows = kept.map(({ part, started_at, took_seconds, quick, machine }) => [
    `\`${part}\``,
    `${started_at.slice(0, 16).replace('T', ' ')} UTC${quick ? ', a quick look' : ''}`,
    `${took_seconds} s`,
    `${machine.engine}${machine.commit === null ? '' : ` (${machine.commit.replace('-dirty', ', changed')})`}`,
    percent(machine.busy_before),
    machine.load_average.toFixed(2),
  ])
  const machines = [...new Set(kept.map(({ machine }) => whatOf(machine)))]
  return `## What it was measured on

${machines.join('\n')}

${table(['part', 'when', 'took', 'engine', 'busy before', 'load average before'], rows)}`
}

const whatOf = ({ cpu, cores, memory_gib, platform, node, postgres, load }: Machine) =>
  `${cpu}, ${cores} cores, ${memory_gib} GiB, ${platform}. Node ${node}, PostgreSQL ${postgres}, load by ${load}.`

// ---- the parts

type Draw = (name: string, chart: Chart) => string
type Section = (kept: Kept, draw: Draw) => string

interface Single extends Kept {
  readonly connections: number
  readonly engine: Figures
  readonly unrecorded: Figures
  readonly bare: Figures
  readonly lone: { readonly engine: Figures; readonly bare: Figures }
}

function single(kept: Kept): string {
  const of = kept as Single
  return `## Single quotes

One process with its own PostgreSQL, every quote on the record and the disk before it is answered; the same program without that one step; the baseline. ${of.connections} connections, then one alone.

${table(LOAD_HEAD, [
  loadRow('engine', of.engine),
  loadRow('without its record', of.unrecorded),
  loadRow('bare `node:http`', of.bare),
  loadRow('engine, one connection', of.lone.engine),
  loadRow('bare, one connection', of.lone.bare),
])}`
}

interface Open {
  readonly p50_ms: Figure
  readonly p99_ms: Figure
  readonly p999_ms: Figure
  readonly service_p99_ms: Figure
  readonly lag_p99_ms: Figure
  readonly answered_share: number
  readonly refused: string | null
}

interface OpenLoop extends Kept {
  readonly capacity: number
  readonly lag_p99_ms_max: number
  readonly levels: readonly {
    readonly rate: number
    readonly share: number
    readonly engine: Open
    readonly bare: Open
  }[]
}

function openLoop(kept: Kept, draw: Draw): string {
  const { capacity: found, lag_p99_ms_max, levels } = kept as OpenLoop
  const row = (name: string, rate: number, share: number, of: Open) =>
    of.refused !== null
      ? [name, grouped(rate), percent(share), `refused: ${of.refused}`, '', '', '', '']
      : [
          name,
          grouped(rate),
          percent(share),
          value(of.p50_ms, 2),
          value(of.p99_ms, 2),
          value(of.p999_ms, 1),
          value(of.service_p99_ms, 2),
          value(of.lag_p99_ms, 2),
        ]
  const lines = (['engine', 'bare'] as const).map((name) => ({
    name: name === 'engine' ? 'engine, p99' : 'bare node:http, p99',
    points: levels
      .filter((level) => level[name].refused === null && level[name].p99_ms.median !== null)
      .map((level) => [Math.round(level.rate), level[name].p99_ms.median as number] as const),
  }))
  const picture = lines.every(({ points }) => points.length > 1)
    ? `\n\n${draw('open-loop', { title: 'Latency at a fixed rate of arrivals, p99', x: 'requests/s', y: 'ms from when a request was due', lines })}`
    : ''
  return `## Latency at a fixed rate

A closed loop asks again when it has its answer, and so spares a slow moment the requests that would have waited. Here requests arrive by chance at a fixed rate, whatever becomes of those before, and latency
counts from when a request was due. The closed loop answered ${grouped(found)} requests/s. The last column is how late the sender itself was; a figure whose sender was more than ${lag_p99_ms_max} ms late, and more than a tenth of what it measured, is refused.

${table(
  [
    '',
    'requests/s',
    "of the closed loop's",
    'p50, ms',
    'p99, ms',
    'p99.9, ms',
    'p99 from when it was sent, ms',
    'sender late, p99, ms',
  ],
  levels.flatMap(({ rate, share, engine, bare }) => [
    row('engine', rate, share, engine),
    row('bare `node:http`', rate, share, bare),
  ]),
)}${picture}`
}

interface Audit extends Kept {
  readonly quotes: {
    readonly by_connections: readonly {
      readonly connections: number
      readonly figures: Readonly<Record<'audited' | 'unaudited' | 'bare', Figures>>
    }[]
  }
  readonly chain: {
    readonly records: number
    readonly kept_per_second: Figure
    readonly copied_per_second: Figure
    readonly sealed_per_second: Figure
    readonly verified_per_second: Figure
    readonly replayed_per_second: Figure
    readonly bytes_per_record: Readonly<Record<'record' | 'record_indexes' | 'seal' | 'seal_indexes', number>>
  }
}

function audit(kept: Kept): string {
  const { quotes, chain } = kept as Audit
  const rate = (of: Figures) => of.requests_per_second.median ?? Number.NaN
  const rows = quotes.by_connections.map(({ connections, figures: { audited, unaudited, bare } }) => [
    String(connections),
    spread(audited.requests_per_second),
    spread(unaudited.requests_per_second),
    spread(bare.requests_per_second),
    percent(rate(audited) / rate(unaudited)),
    percent(rate(audited) / rate(bare)),
    value(audited.p99_ms, 2),
  ])
  const { record, record_indexes, seal, seal_indexes } = chain.bytes_per_record
  return `## The record

Quotes a second with their record on the disk before the answer, without it, and of the baseline; by connections.

${table(['connections', 'with its record', 'without', 'bare `node:http`', 'of without', 'of bare', 'p99 with it, ms'], rows)}

What becomes of ${grouped(chain.records)} records, a second:

${table(
  ['', 'records/s'],
  [
    ['kept by the log', spread(chain.kept_per_second)],
    ['baseline: `COPY` of the same rows into the same table', spread(chain.copied_per_second)],
    ['sealed', spread(chain.sealed_per_second)],
    ['verified', spread(chain.verified_per_second)],
    ['priced again', spread(chain.replayed_per_second)],
  ],
)}

A record takes ${grouped(record + record_indexes + seal + seal_indexes)} bytes: its row ${grouped(record)}, its indexes ${grouped(record_indexes)}, its seal ${grouped(seal)}, the seal's indexes ${grouped(seal_indexes)}.`
}

interface Batch extends Kept {
  readonly lines: number
  readonly figures: readonly {
    readonly name: string
    readonly per_second: Figure
    readonly cpu_us: Figure
    readonly memory_mib: Figure
  }[]
}

function batch(kept: Kept): string {
  const { lines, figures } = kept as Batch
  return `## Batches

Lines priced and recorded a second; ${grouped(lines)} lines a batch unless it says otherwise, one batch at a time.

${table(
  ['', 'lines or quotes/s', "engine's processor time each, us", 'engine, MiB at most'],
  figures.map(({ name, per_second, cpu_us, memory_mib }) => [
    name,
    spread(per_second),
    value(cpu_us),
    value(memory_mib),
  ]),
)}`
}

interface Cluster extends Kept {
  readonly connections: number
  readonly five_services: Figures
  readonly all_in_one: Figures
  readonly bare: Figures
  readonly quotes_per_cpu_second: Readonly<Record<string, number>>
  readonly consumed: { readonly wal_bytes: number; readonly redis_commands: number | null }
}

function cluster(kept: Kept): string {
  const of = kept as Cluster
  const per = of.quotes_per_cpu_second
  const redis =
    of.consumed.redis_commands === null ? '' : ` and ${of.consumed.redis_commands.toFixed(2)} commands of Redis`
  return `## Five services

The same quotes through five processes on the same cores, ${of.connections} connections. They pay where they have machines of their own; what travels is the processor time.

${table(LOAD_HEAD, [loadRow('five services', of.five_services), loadRow('all in one', of.all_in_one), loadRow('bare `node:http`', of.bare)])}

In a second of their own processor time the five answer ${grouped(per.five_services ?? 0)} quotes and one process ${grouped(per.all_in_one ?? 0)}; with PostgreSQL and Redis counted in, ${grouped(per.five_services_with_stores ?? 0)} and ${grouped(per.all_in_one_with_stores ?? 0)}. A quote
through five takes ${grouped(of.consumed.wal_bytes)} bytes of write-ahead log with its seal${redis}.`
}

interface Kernel extends Kept {
  readonly ns: Readonly<Record<string, Figure>>
  readonly times_faster: Readonly<Record<string, number>>
}

const KERNEL_WORDS: Readonly<Record<string, string>> = {
  rate_and_lines: 'the rate and three lines',
  decimal_js_rate_and_lines: 'the same by decimal.js',
  price_with_waterfall: '`price()` with its waterfall',
  decimal_js_with_waterfall: 'its numbers by decimal.js',
  inputs_written: 'the inputs written for the record',
  decimal_read: 'a decimal read',
  decimal_printed: 'a decimal made and printed',
}

function kernel(kept: Kept): string {
  const { ns, times_faster } = kept as Kernel
  const faster = Object.entries(times_faster).map(
    ([name, times]) => `${KERNEL_WORDS[name] ?? name.replaceAll('_', ' ')}: ${times.toFixed(1)} times`,
  )
  return `## The kernel

Exact decimals from numbers that are read to printed text, beside decimal.js at precision 50, which gives the same digits.

${table(
  ['', 'us'],
  Object.entries(ns).map(([name, of]) => [
    KERNEL_WORDS[name] ?? name.replaceAll('_', ' '),
    spread(inMicroseconds(of), 3),
  ]),
)}

Faster than decimal.js: ${faster.join('; ')}.`
}

function inMicroseconds({ median, min, max }: Figure): Figure {
  const us = (ns: number | null) => (ns === null ? null : ns / 1_000)
  return { median: us(median), min: us(min), max: us(max) }
}

interface StartUp extends Kept {
  readonly ms: Readonly<Record<string, Figure>>
}

function startUp(kept: Kept): string {
  const rows = Object.entries((kept as StartUp).ms).map(([name, of]) => [startedName(name), spread(of)])
  return `## Start-up

From the start of the process to the first 200 of its readiness, with what it stands on running; its own database is one that a former start made.

${table(['', 'ms'], rows)}`
}

const startedName = (name: string) => (name === 'bare' ? 'bare `node:http`' : name)

interface Memory extends Kept {
  readonly rest_seconds: number
  readonly load_seconds: number
  readonly idle: Readonly<Record<string, Figure>>
  readonly loaded: Readonly<Record<string, Figure>>
}

function memory(kept: Kept): string {
  const { idle, loaded, rest_seconds, load_seconds } = kept as Memory
  return `## Memory

Resident memory after a start and a rest of ${rest_seconds} s, and again after ${load_seconds} s of quotes on 64 connections and a rest. Of PostgreSQL's processes a page that several hold counts once.

${table(
  ['', 'idle, MiB', 'after load, MiB'],
  Object.entries(idle).map(([name, of]) => [name, spread(of), spread(loaded[name])]),
)}`
}

interface Observability extends Kept {
  readonly figures: Readonly<Record<string, Figures>>
  readonly ratios: Readonly<Record<string, { readonly cpu: number }>>
}

function observability(kept: Kept): string {
  const { figures, ratios } = kept as Observability
  return `## Being watched

${table(
  ['', 'processor time a request, us', 'of metrics alone', 'requests/s'],
  Object.entries(figures).map(([name, of]) => [
    name,
    spread(of.cpu_us),
    (ratios[name]?.cpu ?? Number.NaN).toFixed(3),
    spread(of.requests_per_second),
  ]),
)}`
}

interface Import extends Kept {
  readonly rows: number
  readonly changed_every: number
  readonly rows_per_second: Readonly<Record<string, Figure>>
}

const IMPORT_WORDS: Readonly<Record<string, string>> = {
  read_only: 'read and checked, not stored',
  first_import: 'into an empty database',
  copy_of_its_rows: 'baseline: `COPY` of the rows it leaves into the same tables',
  later_import: 'over itself, one row in ten changed',
  plain_inserts: 'baseline: split, plain `INSERT`s into a plain table',
}

function importing(kept: Kept): string {
  const { rows, rows_per_second } = kept as Import
  return `## A lender's file

Rows a second of a file of ${grouped(rows)}, in one transaction.

${table(
  ['', 'rows/s'],
  Object.entries(rows_per_second).map(([name, of]) => [IMPORT_WORDS[name] ?? name, spread(of)]),
)}`
}

interface Growth extends Kept {
  readonly usual_connections: number
  readonly curves: Readonly<
    Record<
      string,
      {
        readonly unit: string
        readonly per_tenfold: number
        readonly steepest_per_tenfold: number
        readonly verdict: string
        readonly points: readonly { readonly size: number; readonly figures: Figures; readonly bare?: Figures }[]
      }
    >
  >
}

const GROWTH_TITLES: Readonly<Record<string, string>> = {
  names: 'Names in the universe, every one asked for',
  brokers: 'Brokers, each with a key, each in turn',
  records: 'Records in the log before',
  connections: 'Connections',
}

function growth(kept: Kept, draw: Draw): string {
  const { curves, usual_connections } = kept as Growth
  const sections = Object.entries(curves).map(
    ([name, { unit, points, per_tenfold, steepest_per_tenfold, verdict }]) => {
      const title = GROWTH_TITLES[name] ?? name
      const line = (of: (point: (typeof points)[number]) => Figures | undefined) =>
        points.flatMap((point) => {
          const cost = of(point)?.cpu_us.median
          return cost === null || cost === undefined ? [] : [[point.size, cost] as const]
        })
      const bare = line((point) => point.bare)
      const picture = draw(`growth-${name}`, {
        title,
        x: unit,
        y: 'processor time of one quote, us',
        logarithmic: true,
        lines: [
          { name: 'engine and PostgreSQL', points: line((point) => point.figures) },
          ...(bare.length > 0 ? [{ name: 'bare node:http', points: bare }] : []),
        ],
      })
      const rows = points.map(({ size, figures }) => [
        grouped(size),
        spread(figures.cpu_us),
        Object.entries(figures.cpu_us_of)
          .map(([process, us]) => `${process} ${value(us)}`)
          .join(', '),
        value(figures.p50_ms, 2),
        value(figures.p99_ms, 2),
      ])
      return `### ${title}

${table([unit, 'processor time of one quote, us', 'of that', 'p50, ms', 'p99, ms'], rows)}

Ten times as many: ${per_tenfold.toFixed(2)} times the cost of one quote, where it rises most ${steepest_per_tenfold.toFixed(2)} times. **${verdict}**.

${picture}`
    },
  )
  return `## Growth

What one quote costs as there is more of something; ${usual_connections} connections where they do not grow themselves.

${sections.join('\n\n')}`
}

interface Endurance extends Kept {
  readonly minutes: number
  readonly capacity: number
  readonly rate: number
  readonly whole: {
    readonly answered: number
    readonly p50_ms: number
    readonly p99_ms: number
    readonly p999_ms: number
  }
  readonly samples: readonly {
    readonly at_seconds: number
    readonly p99_ms: number
    readonly resident_mib: number
    readonly heap_mib: number | null
  }[]
}

function endurance(kept: Kept, draw: Draw): string {
  const { minutes, capacity: found, rate, whole, samples } = kept as Endurance
  const over = (of: (sample: (typeof samples)[number]) => number | null) =>
    samples.flatMap((sample) => {
      const seen = of(sample)
      return seen === null ? [] : [[Number((sample.at_seconds / 60).toFixed(1)), seen] as const]
    })
  const memoryPicture = draw('endurance-memory', {
    title: 'Memory of the engine under load',
    x: 'minutes',
    y: 'MiB',
    lines: [
      { name: 'resident', points: over(({ resident_mib }) => resident_mib) },
      { name: 'heap in use', points: over(({ heap_mib }) => heap_mib) },
    ],
  })
  const latencyPicture = draw('endurance-latency', {
    title: 'Latency under load, p99 of five seconds each',
    x: 'minutes',
    y: 'ms from when a request was due',
    lines: [{ name: 'p99', points: over(({ p99_ms }) => p99_ms) }],
  })
  return `## Endurance

${minutes} minutes at ${grouped(rate)} requests/s, 70 % of a closed loop's ${grouped(found)}, at a fixed rate: ${grouped(whole.answered)} quotes, p50 ${whole.p50_ms.toFixed(2)} ms, p99 ${whole.p99_ms.toFixed(2)} ms, p99.9 ${whole.p999_ms.toFixed(1)} ms. What has to be flat is among [what is promised](#what-is-promised).

${memoryPicture}

${latencyPicture}`
}

const SECTIONS: Readonly<Record<Part, Section>> = {
  single,
  'open-loop': openLoop,
  audit,
  batch,
  cluster,
  kernel,
  'start-up': startUp,
  memory,
  observability,
  import: importing,
  growth,
  endurance,
}

// ---- capacity

/** What a quote costs, from the parts that measured it; null where one of them was not kept. */
function costOf(kept: ReadonlyMap<Part, Kept>): QuoteCost | null {
  const [five, record] = [kept.get('cluster') as Cluster | undefined, kept.get('audit') as Audit | undefined]
  if (five === undefined || record === undefined) return null
  const cpu = (name: string) => five.five_services.cpu_us_of[name]?.median ?? 0
  const names: readonly (Service | 'PostgreSQL' | 'Redis')[] = [...SERVICES, 'PostgreSQL', 'Redis']
  return {
    cpu_us: Object.fromEntries(names.map((name) => [name, cpu(name)])) as QuoteCost['cpu_us'],
    wal_bytes: five.consumed.wal_bytes,
    redis_commands: five.consumed.redis_commands ?? 0,
    record_bytes: Object.values(record.chain.bytes_per_record).reduce((sum, bytes) => sum + bytes, 0),
    sealed_per_second: record.chain.sealed_per_second.median ?? Number.NaN,
  }
}

const RATES = [1_000, 10_000, 100_000] as const

function capacity(kept: ReadonlyMap<Part, Kept>): string {
  const cost = costOf(kept)
  if (cost === null)
    return '## Capacity\n\nComputed from what `cluster` and `audit` measured; one of them was not kept.'
  const plans = RATES.map((rate) => planFor(rate, cost))
  const usd = (of: number | null) => (of === null ? 'cannot be built so' : `$${grouped(of)}`)
  const sum = (parts: readonly (number | null)[]) =>
    parts.some((part) => part === null) ? null : parts.reduce((total: number, part) => total + (part ?? 0), 0)
  const row = (name: string, of: (plan: (typeof plans)[number]) => string) => [name, ...plans.map(of)]
  const { node, cache } = PRODUCTION
  const rows = [
    ...SERVICES.map((name) => row(`pods of \`${name}\``, ({ pods }) => grouped(pods[name]))),
    row(`nodes, ${node.type}`, ({ nodes }) => grouped(nodes)),
    row('cores that the primary database needs', ({ databaseCoresNeeded }) => grouped(databaseCoresNeeded, 1)),
    row('class of db.r5 with that many', ({ databaseCores }) =>
      databaseCores === null ? 'none is large enough' : `${databaseCores} cores`,
    ),
    row('write-ahead log, MiB/s', ({ walMibPerSecond }) => grouped(walMibPerSecond, 1)),
    row('commands of Redis a second', ({ redisCommandsPerSecond }) => grouped(redisCommandsPerSecond)),
    row(`shards of ${cache.type}`, ({ redisShards }) => grouped(redisShards)),
    row('records, GiB a day', ({ recordsGibADay }) => grouped(recordsGibADay, 1)),
    row(`days until ${grouped(PRODUCTION.databaseStorageGib)} GiB are full`, (plan) => grouped(daysOfStorage(plan), 1)),
    row('nodes, a month', ({ month }) => usd(month.nodes)),
    row('database, a month', ({ month }) => usd(month.database)),
    row('Redis, a month', ({ month }) => usd(month.cache)),
    row('storage that a month of records adds, a month', ({ month }) => usd(month.storage)),
    row('together, the first month', ({ month }) =>
      usd(sum([month.nodes, month.database, month.cache, month.storage])),
    ),
  ]
  const costs = [...SERVICES, 'PostgreSQL', 'Redis'] as const
  return `## Capacity

A model, computed from what five services and the record were measured to cost and from the assumptions below; nothing beyond one machine was measured. What one quote through five services costs:

${table(
  ['', 'each quote'],
  [
    ...costs.map((name) => [`processor time of ${name}, us`, grouped(cost.cpu_us[name], 1)]),
    ['write-ahead log, bytes', grouped(cost.wal_bytes)],
    ['commands of Redis', cost.redis_commands.toFixed(2)],
    ['record with indexes and seal, bytes', grouped(cost.record_bytes)],
  ],
)}

What a rate of single quotes needs while the market is open, on production's own settings:

${table(['quotes/s', ...RATES.map((rate) => grouped(rate))], rows)}

What is in the way, in the order in which it is reached:

${table(
  ['at quotes/s', 'what', 'what helps'],
  limitsOf(cost).map(({ at, what, remedy }) => [numberText(at), what, remedy]),
)}

The formulas and what they assume:

- Pods: quotes/s x processor time of the service / ${percent(ASSUMPTIONS.podShare)} of one core, since a pod's JavaScript runs on one; never fewer than the autoscaler's least. A core of those nodes is taken to be as fast as one of the machine below.
- Nodes: the larger of what pods ask for and what they use, / ${node.cores} cores x ${percent(ASSUMPTIONS.nodeShare)}; never fewer than ${node.min}.
- Database: quotes/s x processor time of PostgreSQL / ${percent(ASSUMPTIONS.databaseShare)}; the next class of db.r5 (${ASSUMPTIONS.databaseCores.join(', ')} cores). A primary, its standby and ${PRODUCTION.databaseReplicas} read replicas, all of that class. Writing: the log's bytes x ${ASSUMPTIONS.writesPerWalByte}, at most ${grouped(ASSUMPTIONS.databaseBytesPerSecondMax / 2 ** 20)} MiB/s.
- Redis: ${grouped(ASSUMPTIONS.redisCommandsPerSecondOfShard)} commands/s a shard, a third of the ${cache.nodes} nodes to each shard.
- Records: ${ASSUMPTIONS.hoursADay} hours a day, ${ASSUMPTIONS.daysAMonth} days a month, each on all four instances. They stay until they are exported and their month is let go of; a month costs again every month it stays.
- Prices on demand in us-east-1, in ${PRICES.asOf}, USD: ${node.type} ${PRICES.nodeHour} an hour; db.r5 for PostgreSQL ${PRICES.databaseCoreHour} a core and hour; storage ${PRICES.databaseGibMonth} a GiB and month; ${cache.type} ${PRICES.cacheNodeHour} an hour; ${PRICES.hoursAMonth} hours a month. Traffic, load balancer, firewall, backups, logs and support are not in it. Look them up before you rely on them.
- A batch costs a fraction of as many single quotes: who can send batches needs fewer pods, and as much storage.`
}
