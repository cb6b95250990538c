// Requests at random, by the thousand, and by the ten thousand under `npm run fuzz`: whatever comes is answered within a bound, never
// with a 5xx, in the forms of the document, without a word of what was sent or of the inside; and the process stays as it was.
//
// The same seed makes the same requests: FUZZ_SEED says another, and FUZZ_SEEDS_ON how many after it, for those that share the work. What
// fails is made smaller until nothing can be left out.
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { ROLES, type Role } from '../../access/roles.ts'
import { expectQuietLog, failureFaults, headerFaults } from './answers.ts'
import { type Deployment, sleep, startDeployment } from './deployment.ts'
import { answerFaults } from './documented-answers.ts'
import { goodParts } from './documented-requests.ts'
import { fuzzedBytes, type Heard, type Pieces, smuggled, tell } from './fuzzed-bytes.ts'
import { type Fuzzed, fuzzedRequests, type Known, MARK, shown } from './fuzzed-requests.ts'
import { type Answer, ask, type RawAnswer, wholeAnswer } from './http.ts'
import { ENVIRONMENT, GIVEN, knownThings, prepareThings, type Things } from './known-things.ts'
import { type Document, type Operation, operations } from './openapi-document.ts'

const SEED = Number(process.env.FUZZ_SEED ?? 20_261_124) + Number(process.env.FUZZ_SEEDS_ON ?? 0)
const ORDINARY_REQUESTS = 1500
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? ORDINARY_REQUESTS)
/** At the same time, at the most. */
const AT_ONCE = 24
const ANSWER_MS_MAX = 10_000
/** On a machine that does other things as well. */
const TIME_LIMIT_MS = 600_000
/** A process that has answered a part of them has what it needs; what it keeps on top is kept for nobody. */
const WARM_UP = 0.2
const KEPT_GROWTH_BYTES_MAX = 50_000_000
/** What is no object's, as of a compressor that was forgotten, is seen here alone; what an allocator has not given back yet is in it too. */
const RESIDENT_GROWTH_BYTES_MAX = 400_000_000

let deployed: Deployment
let things: Things
let known: Known[]

beforeAll(async () => {
  deployed = await startDeployment({ environment: ENVIRONMENT, prepare: prepareThings })
  things = await knownThings(deployed)
  const all = operations(JSON.parse((await ask(deployed, { path: '/openapi.json' })).text) as Document)
  known = []
  for (const operation of all) known.push(await knownOf(operation))
})

/** They read all that is there, or wait: drawn less often. */
const SLOW = new Set([
  'verifyRecords',
  'exportRecords',
  'replayRecords',
  'whatIf',
  'rateList',
  'rateStream',
  'operations',
])
/** What stays as it is: a log that is turned off would tell nothing. */
const FIXED: Readonly<Record<string, object>> = { putLogLevel: { level: 'info' } }

async function knownOf(operation: Operation): Promise<Known> {
  const { operationId } = operation
  const role = (['desk', 'admin', 'auditor', 'broker'] as const).find((one) =>
    (operation['x-roles'] ?? ROLES).includes(one),
  ) as Role
  const given = (await GIVEN[operationId]?.(things, role)) ?? {}
  const parts = goodParts(operation, given, things.keys[role])
  const fixed = FIXED[operationId]
  return {
    operation,
    parts: fixed === undefined ? parts : { ...parts, body: { ...(parts.body as object), ...fixed } },
    weight: SLOW.has(operationId) ? 1 : 6,
    untouched: Object.keys(fixed ?? {}),
  }
}

/** What is wrong with an answer, in sentences. */
function faultsOf({ operation, ask: request }: Fuzzed, answer: Answer, ms: number): string[] {
  const read = plain(answer)
  return [
    ...(read.status >= 500 ? [`it is a ${read.status}`] : []),
    ...(ms > ANSWER_MS_MAX ? [`it took ${Math.round(ms)} ms`] : []),
    ...(operation === null || read.status === HEADERS_TOO_LARGE
      ? otherFaults(read, request.method ?? 'GET')
      : answerFaults(operation, read)),
    ...(read.status >= 400 && read.text.includes(MARK) ? ['it repeats what was sent'] : []),
    ...(JSON.stringify(read.headers).includes(MARK) ? ['a header repeats what was sent'] : []),
  ]
}

/** Said of the connection, before there is a request. */
const HEADERS_TOO_LARGE = 431

function otherFaults(answer: Answer, method: string): string[] {
  const failed = answer.status >= 400 && method !== 'HEAD'
  const status = answer.status === HEADERS_TOO_LARGE ? 413 : answer.status
  return [...headerFaults(answer.headers), ...(failed ? failureFaults({ ...answer, status }) : [])]
}

function plain(answer: Answer): Answer {
  const unpack = { gzip: gunzipSync, br: brotliDecompressSync }[String(answer.headers['content-encoding'])]
  if (unpack === undefined || answer.bytes.length === 0) return answer
  const { status, headers, bytes } = answer
  return { status, headers, bytes, text: unpack(bytes).toString('utf8'), json: null }
}

test(
  `${REQUESTS} requests at random are all answered as documented, and nothing is kept of them`,
  async () => {
    const statuses = new Map<string, number>()
    let sent = 0
    let failed = false
    let warm: Promise<Memory> | null = null

    async function send(fuzzed: Fuzzed): Promise<void> {
      const started = performance.now()
      const answer = await ask(deployed, fuzzed.ask).catch((error) => {
        throw new Error(`${shown(fuzzed.ask)} was not answered: ${error}`)
      })
      sent += 1
      if (warm === null && sent > REQUESTS * WARM_UP) warm = memoryOf(deployed)
      const kind = `${fuzzed.operation?.operationId ?? 'elsewhere'} ${answer.status}`
      statuses.set(kind, (statuses.get(kind) ?? 0) + 1)
      const faults = faultsOf(fuzzed, answer, performance.now() - started)
      if (faults.length > 0)
        throw new Error(
          `${shown(fuzzed.ask)} was answered ${answer.status} ${answer.text.slice(0, 500)}\n${faults.join('\n')}`,
        )
    }

    const several = fc.array(fuzzedRequests(known, things.keys), { minLength: 1, maxLength: AT_ONCE, size: 'max' })
    await fc.assert(
      fc.asyncProperty(several, async (requests) => {
        // Enough, unless one of them failed and is being made smaller.
        if (sent >= REQUESTS && !failed) return
        await Promise.all(requests.map(send)).catch((error) => {
          failed = true
          throw error
        })
      }),
      { seed: SEED, numRuns: REQUESTS, interruptAfterTimeLimit: TIME_LIMIT_MS },
    )
    await sleep(1000)
    expect(sent).toBeGreaterThanOrEqual(REQUESTS)
    const [before, end] = [(await warm) ?? NO_MEMORY, await memoryOf(deployed)]
    expect(end.kept - before.kept).toBeLessThan(KEPT_GROWTH_BYTES_MAX)
    expect(end.resident - before.resident).toBeLessThan(RESIDENT_GROWTH_BYTES_MAX)
    expect((await ask(deployed, { path: '/metrics' })).text).toMatch(/^http_requests_in_flight\S* 0$/m)
    if (REQUESTS > ORDINARY_REQUESTS) console.info(told(statuses, before, end))
    // A mix that only ever fails at the door would show nothing.
    const counted = (status: RegExp) =>
      [...statuses].filter(([kind]) => status.test(kind)).reduce((sum, [, count]) => sum + count, 0)
    for (const status of [/ 2\d\d$/, / 400$/, / 401$/, / 403$/, / 404$/])
      expect(counted(status), String(status)).toBeGreaterThan(REQUESTS / 200)
  },
  TIME_LIMIT_MS + 60_000,
)

/** For whoever runs it: what came of them, and what the process took. */
function told(statuses: ReadonlyMap<string, number>, warm: Memory, end: Memory): string {
  const byStatus: Record<string, number> = {}
  for (const [kind, count] of statuses) {
    const status = kind.slice(-3)
    byStatus[status] = (byStatus[status] ?? 0) + count
  }
  const megabytes = ({ kept, resident }: Memory) =>
    [kept, resident].map((bytes) => Math.round(bytes / 1e6)).join(' of ')
  return `seed ${SEED}: ${JSON.stringify(byStatus)}; keeps ${megabytes(warm)} MB when warm, ${megabytes(end)} MB at the end`
}

/** Of the process, bytes. */
interface Memory {
  readonly kept: number
  readonly resident: number
}
const NO_MEMORY: Memory = { kept: 0, resident: 0 }

async function memoryOf(of: Deployment): Promise<Memory> {
  const kept = await of.keptBytes()
  return { kept: kept ?? 0, resident: of.memoryBytes() ?? 0 }
}

const connections = Math.ceil(REQUESTS / 5)

test(
  `${connections} connections that say anything at all are each answered in our shape and ended`,
  async () => {
    let told = 0
    const written = (pieces: Pieces) => JSON.stringify(pieces.map((piece) => piece.toString('latin1'))).slice(0, 3000)
    const judge = async (pieces: Pieces, faultsOfAnswers: (heard: Heard) => string[]) => {
      const heard = await tell(deployed, pieces)
      told += 1
      const faults = [...heard.answers.flatMap(rawFaults), ...faultsOfAnswers(heard)]
      const said = heard.answers.map(({ head, body }) => `${head}\n${body}`.slice(0, 600)).join('\n\n')
      if (faults.length > 0) throw new Error(`${written(pieces)} was answered\n${said}\n${faults.join('\n')}`)
    }
    await fc.assert(
      fc.asyncProperty(fc.array(fuzzedBytes, { minLength: 1, maxLength: 16, size: 'max' }), async (all) => {
        await Promise.all(all.map((pieces) => judge(pieces, () => [])))
      }),
      { seed: SEED, numRuns: Math.ceil(connections / 8), interruptAfterTimeLimit: TIME_LIMIT_MS },
    )
    await fc.assert(
      fc.asyncProperty(smuggled, (pieces) => judge(pieces, refusedOnce)),
      { seed: SEED, numRuns: 200, interruptAfterTimeLimit: TIME_LIMIT_MS },
    )
    expect(told).toBeGreaterThan(connections / 4)
    expect((await ask(deployed, { path: '/metrics' })).text).toMatch(/^http_requests_in_flight\S* 0$/m)
  },
  TIME_LIMIT_MS + 60_000,
)

/** What is said of the connection, before there is a request, has statuses of its own beside those of the table. */
const OF_CONNECTIONS: Readonly<Record<number, number>> = { 408: 400, 431: 413 }

function rawFaults(raw: RawAnswer): string[] {
  const { headers, text } = wholeAnswer(raw)
  const { status } = raw
  if (status === 100) return []
  const failed = status >= 400 && text !== ''
  return [
    ...(status >= 200 && status < 500 ? [] : [`it is a ${status}`]),
    ...headerFaults(headers),
    ...(failed ? failureFaults({ status: OF_CONNECTIONS[status] ?? status, text }) : []),
    ...(text.includes(MARK) || raw.head.includes(MARK) ? ['it repeats what was sent'] : []),
  ]
}

/** One request came; what stands behind it is not one. */
function refusedOnce({ answers }: Heard): string[] {
  const [answer] = answers
  return [
    ...(answers.length === 1 ? [] : [`there are ${answers.length} answers`]),
    ...(answer?.status === 400 ? [] : [`it is a ${answer?.status}`]),
  ]
}

/** Tens of thousands of lines. */
const READ_LOG_WITHIN = { timeout: 60_000 }

// The last: about everything above.
test(
  'of all this the log holds a line a request, no stack, no secret and nothing that was sent',
  READ_LOG_WITHIN,
  () => {
    expectQuietLog(deployed, [MARK])
  },
)
