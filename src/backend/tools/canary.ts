#!/usr/bin/env node
// A release to production by a canary that withdraws itself: docs/operations/deployment.md, "Canary deployment".
// Exit status: 0 it is done; 1 it could not begin, and nothing was changed; 2 it was judged bad, and everything is as it was; 3 not
// everything could be undone, and a person is needed.
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { createCluster } from './canary/cluster.ts'
import { figuresOf, prometheusAt } from './canary/figures.ts'
import { createKubectl } from './canary/kubectl.ts'
import { RULES, type Rules } from './canary/rules.ts'
import { recordKeeper } from './canary/run-record.ts'
import {
  abort,
  CannotBegin,
  type Ended,
  type MachineOptions,
  type Outcome,
  resume,
  run,
  type Told,
  undoRelease,
  watchRelease,
} from './canary/stage-machine.ts'
import type { Figures } from './canary/verdict.ts'

interface Words {
  readonly namespace: string
  readonly manifests: string
  readonly overlay: string
  readonly rolloutMinutes: number
  readonly splitSeconds: number
  readonly report?: string
  readonly json?: true
  readonly dryRun?: true
  readonly prometheus?: string
  readonly stages: readonly number[]
  readonly stageMinutes: number
  readonly lookSeconds: number
  readonly lookBackMinutes: number
  readonly requestsMin: number
  readonly waitMinutes: number
  readonly errorPercentMax: number
  readonly errorPercentOverStableMax: number
  readonly p95MsMax: number
  readonly p95TimesStableMax: number
}

const MANIFESTS = fileURLToPath(new URL('../../../infrastructure/kubernetes', import.meta.url))
const GATEWAY = 'api-gateway'
const MINUTE_MS = 60_000
const RETRY_MS = 2_000
const STATUS: Readonly<Record<Outcome, number>> = { promoted: 0, undone: 0, good: 0, withdrawn: 2, bad: 2, stuck: 3 }

const program = new Command('canary').description(
  'Releases a version by a canary: 10, 30, 60 per cent of the requests, each watched, then all services. Needs kubectl with a deployer’s rights.',
)
const decisions: Told[] = []
const startedAt = new Date()

withRules(command('run', 'begins a canary and goes on to the end, whichever it is'))
  .requiredOption('--version <version>', 'the tag of the image: 1.3.0', version)
  .option('--image <repository>', 'of the image, where it is not that of the gateway that runs')
  .action(async (words: Words & { version: string; image?: string }) =>
    ended(words, (options) => run(options, { version: words.version, repository: words.image ?? null })),
  )
withRules(command('resume', 'goes on with a run whose machine is gone, at the beginning of its stage')).action(
  async (words: Words) => ended(words, resume),
)
command('abort', 'undoes what the open run has changed; nothing, when there is none')
  .option('--reason <text>', 'for the record', 'a person said so')
  .action(async (words: Words & { reason: string }) => ended(words, (options) => abort(options, words.reason)))
command('undo', 'rolls the last release back, in the services that still have it')
  .option('--reason <text>', 'for the record', 'a person said so')
  .action(async (words: Words & { reason: string }) => ended(words, (options) => undoRelease(options, words.reason)))
withRules(command('watch', 'looks at the gateway that runs by the same rules, and changes nothing'))
  .option('--minutes <n>', 'for how long', positive, 15)
  .action(async (words: Words & { minutes: number }) =>
    ended(words, (options) => watchRelease(options, words.minutes * MINUTE_MS)),
  )
command('status', 'prints the record of the last run').action(async ({ namespace }: Words) => {
  console.log(JSON.stringify(await recordKeeper(createKubectl(namespace), namespace).read(), null, 2))
})

try {
  await program.parseAsync()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
// A command that was waited for when this was stopped may go on waiting.
process.exit()

function command(name: string, about: string): Command {
  return program
    .command(name)
    .description(about)
    .option('--namespace <name>', 'of production', 'borrow-rate-engine-prod')
    .option('--manifests <folder>', 'infrastructure/kubernetes', MANIFESTS)
    .option('--overlay <name>', 'that a release applies', 'prod')
    .option('--rollout-minutes <n>', 'for the canary, and for each service', positive, 15)
    .option('--split-seconds <n>', 'until the route has the weights of a split', positive, 60)
    .option('--report <file>', 'where everything is written as JSON')
    .option('--json', 'each line as JSON')
    .option('--dry-run', 'read the cluster, print what would be typed, change nothing')
}

function withRules(on: Command): Command {
  const minutes = (ms: number) => ms / MINUTE_MS
  return on
    .requiredOption('--prometheus <url>', 'where figures are asked for')
    .option('--stages <percents>', 'rising, below 100', percents, RULES.stages)
    .option('--stage-minutes <n>', 'each is watched at least so long', positive, minutes(RULES.stageMs))
    .option('--look-seconds <n>', 'between looks', positive, RULES.lookEveryMs / 1000)
    .option('--look-back-minutes <n>', 'a look is of so much of the stage', positive, minutes(RULES.lookBackMs))
    .option('--requests-min <n>', 'fewer in a look are no verdict', positive, RULES.requestsMin)
    .option(
      '--wait-minutes <n>',
      'for enough requests after that, and without any figures',
      positive,
      minutes(RULES.waitMs),
    )
    .option('--error-percent-max <n>', 'of its requests may fail', positive, RULES.errorRatioMax * 100)
    .option(
      '--error-percent-over-stable-max <n>',
      'more than of the stable version',
      positive,
      RULES.errorRatioOverStableMax * 100,
    )
    .option('--p95-ms-max <n>', 'its 95th percentile', positive, RULES.p95MsMax)
    .option('--p95-times-stable-max <n>', 'the same, against the stable version', positive, RULES.p95TimesStableMax)
}

async function ended(words: Words, work: (options: MachineOptions) => Promise<Ended>): Promise<void> {
  const { namespace, manifests, overlay } = words
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort(signal))
  const kubectl = createKubectl(namespace, words.dryRun && ((line) => console.log(`would type: ${line}`)))
  const ask = words.prometheus === undefined ? null : prometheusAt(words.prometheus)
  try {
    const result = await work({
      cluster: createCluster({ kubectl, namespace, manifests, overlay, isRehearsal: words.dryRun === true }),
      record: recordKeeper(kubectl, namespace),
      figures: async (which, lookBackMs) =>
        ask === null ? null : figuresOf(ask, { namespace, name: GATEWAY }, which, lookBackMs),
      rules: words.prometheus === undefined ? RULES : rulesOf(words),
      limits: { rolloutMs: words.rolloutMinutes * MINUTE_MS, splitMs: words.splitSeconds * 1000, retryMs: RETRY_MS },
      now: () => new Date(),
      holder: `${hostname()}-${process.pid}-${randomUUID()}`,
      stop: stopping.signal,
      tell(line) {
        decisions.push(line)
        console.log(words.json ? JSON.stringify(line) : textOf(line))
      },
      isRehearsal: words.dryRun === true,
    })
    const { outcome, reason, record, undone, left } = result
    report(words, { outcome, reason, record, undone, left })
    for (const line of left) console.error(line)
    process.exitCode = STATUS[outcome]
  } catch (error) {
    const reason = (error as Error).message
    report(words, { outcome: 'refused', reason, record: null, undone: [], left: [] })
    console.error(error instanceof CannotBegin ? `not begun: ${reason}` : reason)
    process.exitCode = 1
  }
}

function report(words: Words, result: Omit<Ended, 'outcome'> & { readonly outcome: Outcome | 'refused' }): void {
  if (words.report === undefined) return
  const { outcome, reason, record, undone, left } = result
  const { version: tag, image, previousVersion, previousImage, stage, changed } = record ?? {}
  const about = { version: tag, image, previousVersion, previousImage, stage, changed }
  const times = { startedAt: startedAt.toISOString(), endedAt: new Date().toISOString() }
  writeFileSync(
    words.report,
    `${JSON.stringify({ outcome, ...about, reason, ...times, undone, left, decisions }, null, 2)}\n`,
  )
}

/** `20:14:31   10 %  watch     good so far, 300 s to go  [canary 600 requests, 1 failed, p95 41 ms; stable …; 2 of 2 pods]` */
function textOf({ at, stage, action, reason, canary, stable, pods }: Told): string {
  const seen = [
    ...(canary ? [`canary ${figuresText(canary)}`] : []),
    ...(stable ? [`stable ${figuresText(stable)}`] : []),
    ...(pods ? [`${pods.ready} of ${pods.wanted} pods`] : []),
  ]
  return `${at.slice(11, 19)} ${String(stage).padStart(4)} %  ${action.padEnd(8)}  ${reason}${seen.length === 0 ? '' : `  [${seen.join('; ')}]`}`
}

function figuresText({ requests, errors, p95Ms }: Figures): string {
  return `${requests} requests, ${errors} failed${p95Ms === null ? '' : `, p95 ${p95Ms.toFixed(1)} ms`}`
}

function rulesOf(words: Words): Rules {
  return {
    ...RULES,
    stages: words.stages,
    stageMs: words.stageMinutes * MINUTE_MS,
    lookEveryMs: words.lookSeconds * 1000,
    lookBackMs: words.lookBackMinutes * MINUTE_MS,
    requestsMin: words.requestsMin,
    waitMs: words.waitMinutes * MINUTE_MS,
    errorRatioMax: words.errorPercentMax / 100,
    errorRatioOverStableMax: words.errorPercentOverStableMax / 100,
    p95MsMax: words.p95MsMax,
    p95TimesStableMax: words.p95TimesStableMax,
  }
}

function version(text: string): string {
  // A tag, and nothing that a shell or a registry would read otherwise.
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(text)) throw new InvalidArgumentError('It must be a tag, as 1.3.0.')
  return text
}

function positive(text: string): number {
  const number = Number(text)
  if (!/^\d/.test(text) || !Number.isFinite(number) || number <= 0)
    throw new InvalidArgumentError('It must be a number above 0.')
  return number
}

function percents(text: string): number[] {
  const list = text.split(',').map(Number)
  if (list.some((percent) => !Number.isInteger(percent)))
    throw new InvalidArgumentError('It must be whole numbers: 10,30,60.')
  return list
}
