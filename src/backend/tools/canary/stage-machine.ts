// A release by a canary, from the first pod to the last: 10, 30, 60 per cent, then everybody. What is decided is decided in
// verdict.ts; what is done to the cluster is given as functions. Before anything is changed it is noted, so that whatever happens to
// this process the next one can undo exactly that and nothing else.
import { setTimeout as sleep } from 'node:timers/promises'
import { SERVICES } from '../../gateway/operations.ts'
import type { Cluster, Released } from './cluster.ts'
import type { Version } from './figures.ts'
import { type Rules, ruleFaults } from './rules.ts'
import { type Change, type RecordKeeper, type RunRecord, TakenOver } from './run-record.ts'
import { type Action, beginStage, decide, type Figures, type Look, releaseFaults } from './verdict.ts'

export interface Limits {
  readonly rolloutMs: number
  /** Until the route has the weights of a split. */
  readonly splitMs: number
  /** Between two tries to undo something. */
  readonly retryMs: number
}

/** One line of the story. */
export interface Told {
  readonly at: string
  readonly stage: number
  readonly action: Action | 'begin' | 'split' | 'promote' | 'undo' | 'end'
  readonly reason: string
  readonly canary?: Figures | null
  readonly stable?: Figures | null
  readonly pods?: Look['pods']
}

export interface MachineOptions {
  readonly cluster: Cluster
  readonly record: RecordKeeper
  /** Of the last milliseconds. @throws Error when they cannot be asked for */
  readonly figures: (version: Version, lookBackMs: number) => Promise<Figures | null>
  readonly rules: Rules
  readonly limits: Limits
  readonly now: () => Date
  /** Who this is, other than any other. */
  readonly holder: string
  /** Aborted with a reason: whatever runs is withdrawn. */
  readonly stop: AbortSignal
  readonly tell: (line: Told) => void
  /** Nothing is waited for and nothing is looked at: the cluster only prints. */
  readonly isRehearsal?: boolean
}

export type Outcome = 'promoted' | 'withdrawn' | 'stuck' | 'undone' | 'good' | 'bad'

export interface Ended {
  readonly outcome: Outcome
  readonly reason: string
  readonly record: RunRecord | null
  readonly undone: readonly string[]
  /** What could not be undone. */
  readonly left: readonly string[]
}

/** A run could not begin; nothing was changed. */
export class CannotBegin extends Error {}

/** The canary is to be withdrawn; the message says why. */
class Bad extends Error {}

const UNDO_TRIES = 4

export interface Wanted {
  readonly version: string
  /** Null: that of the gateway that runs. */
  readonly repository: string | null
}

/** @throws CannotBegin */
export async function run(options: MachineOptions, wanted: Wanted): Promise<Ended> {
  const { cluster, record: keeper, rules, now, holder } = options
  const faults = ruleFaults(rules)
  if (faults.length > 0) throw new CannotBegin(faults.join('; '))
  const open = await keeper.read()
  if (open?.phase === 'open' || open?.phase === 'stuck') {
    throw new CannotBegin(
      `a run of ${open.version} is ${open.phase} at ${open.stage} %: resume or abort it first (${open.reason})`,
    )
  }
  const obstacles = await cluster.obstacles()
  if (obstacles.length > 0) throw new CannotBegin(obstacles.join('; '))
  const before = await cluster.services()
  const previous = before['api-gateway']
  const image = `${wanted.repository ?? repositoryOf(previous.image)}:${wanted.version}`
  if (image === previous.image) throw new CannotBegin(`${image} is what the gateway runs already`)
  const stable = await options.figures('stable', rules.lookBackMs).catch((error: Error) => {
    throw new CannotBegin(`nothing could be watched: ${error.message}`)
  })
  if (stable === null)
    throw new CannotBegin('nothing could be watched: Prometheus knows no request of the gateway that runs')
  const record: RunRecord = {
    id: `${wanted.version}-${now().toISOString()}`,
    holder,
    phase: 'open',
    version: wanted.version,
    image,
    previousVersion: tagOf(previous.image),
    previousImage: previous.image,
    before,
    stage: 0,
    changed: [],
    reason: 'it runs',
    startedAt: now().toISOString(),
    endedAt: null,
  }
  await keeper.write(record).catch((error: Error) => {
    throw new CannotBegin(error.message)
  })
  return goOn(options, record)
}

/** Goes on with the run that is open, at the stage it was in, which is watched anew. @throws CannotBegin */
export async function resume(options: MachineOptions): Promise<Ended> {
  return goOn(options, await takenOver(options, ['open']))
}

/** Undoes what the open run has changed. Without one there is nothing to do. */
export async function abort(options: MachineOptions, reason: string): Promise<Ended> {
  const open = await options.record.read()
  if (open === null || (open.phase !== 'open' && open.phase !== 'stuck')) {
    return { outcome: 'undone', reason: 'there is no run to abort', record: open, undone: [], left: [] }
  }
  const ended = await withdraw(options, await takenOver(options, ['open', 'stuck']), reason)
  return ended.outcome === 'withdrawn' ? { ...ended, outcome: 'undone' } : ended
}

/** Rolls the last release back, where it is still there. @throws CannotBegin */
export async function undoRelease(options: MachineOptions, reason: string): Promise<Ended> {
  const record = await takenOver(options, ['promoted'])
  const ended = await withdraw(options, { ...record, changed: ['release'] }, reason)
  return ended.outcome === 'withdrawn' ? { ...ended, outcome: 'undone' } : ended
}

/** Looks at the gateway that runs for some time. Changes nothing. */
export async function watchRelease(options: MachineOptions, forMs: number): Promise<Ended> {
  const { rules, now } = options
  const begunAt = now().getTime()
  let [badLooks, isEnough, seenAt] = [0, false, begunAt]
  const end = (outcome: 'good' | 'bad', reason: string): Ended => {
    tell(options, 100, 'end', `${outcome}: ${reason}`)
    return { outcome, reason, record: null, undone: [], left: [] }
  }
  for (;;) {
    await pause(options)
    if (options.stop.aborted) return end('bad', stopReason(options))
    const at = now().getTime()
    const stable = await options.figures('stable', Math.min(rules.lookBackMs, at - begunAt)).catch(() => null)
    if (stable !== null) seenAt = at
    isEnough ||= (stable?.requests ?? 0) >= rules.requestsMin
    const faults = stable === null || stable.requests < rules.requestsMin ? [] : releaseFaults(rules, stable)
    badLooks = faults.length > 0 ? badLooks + 1 : 0
    tell(options, 100, 'watch', faults.join('; ') || (stable === null ? 'nothing is seen' : 'good so far'), {
      canary: null,
      stable,
      pods: null,
    })
    if (badLooks >= rules.badLooksMax) return end('bad', faults.join('; '))
    if (at - seenAt > rules.waitMs) return end('bad', 'nothing has been seen of it')
    if (at - begunAt < forMs || badLooks > 0) continue
    if (isEnough) return end('good', `for ${Math.round((at - begunAt) / 1000)} s`)
    if (at - begunAt > forMs + rules.waitMs) return end('bad', `there were fewer than ${rules.requestsMin} requests`)
  }
}

async function takenOver(
  { record: keeper, holder }: MachineOptions,
  phases: readonly RunRecord['phase'][],
): Promise<RunRecord> {
  const found = await keeper.read()
  if (found === null || !phases.includes(found.phase)) {
    throw new CannotBegin(found === null ? 'there was no run' : `the last run, of ${found.version}, is ${found.phase}`)
  }
  const own = { ...found, holder, phase: 'open' as const }
  await keeper.write(own)
  return own
}

// ---- forward

async function goOn(options: MachineOptions, begun: RunRecord): Promise<Ended> {
  const { cluster, limits, rules } = options
  let record = begun
  const note = async (change: Partial<RunRecord>) => {
    record = { ...record, ...change }
    await options.record.write(record)
  }
  const noteChange = async (change: Change, more: Partial<RunRecord> = {}) =>
    note({ ...more, changed: [...new Set([...record.changed, change])] })
  try {
    if (!record.changed.includes('release')) {
      const { version, image, previousVersion, stage } = record
      tell(options, stage, 'begin', `${version} beside ${previousVersion}: ${image}`)
      await noteChange('canary')
      await cluster.startCanary(image)
      await orStopped(options, cluster.canaryIsReady(limits.rolloutMs))
      for (const percent of rules.stages.filter((each) => each >= stage)) {
        stopIfAsked(options)
        await noteChange('split', { stage: percent })
        await cluster.split(percent)
        await orStopped(options, cluster.splitArrives(percent, limits.splitMs))
        tell(options, percent, 'split', `the canary has ${percent} %`)
        if (options.isRehearsal !== true) await watchStage(options, record, percent)
      }
    }
    stopIfAsked(options)
    tell(options, 100, 'promote', `all services get ${record.image}`)
    await noteChange('release', { stage: 100 })
    await cluster.release(record.image)
    for (const service of SERVICES) {
      await orStopped(options, cluster.isRolledOut(service, limits.rolloutMs))
      tell(options, 100, 'promote', `${service} is rolled out`)
    }
  } catch (error) {
    if (error instanceof TakenOver)
      return { outcome: 'stuck', reason: error.message, record, undone: [], left: ['whatever the other does not undo'] }
    return withdraw(options, record, (error as Error).message)
  }
  const traffic = await removeTraffic(options, record)
  const rest = await removeCanary(options, record, traffic.left.length > 0)
  const left = [...traffic.left, ...rest.left]
  const { version, previousVersion } = record
  const undone = [...traffic.undone, ...rest.undone]
  if (left.length === 0)
    return end(options, record, 'promoted', `${version} runs, ${previousVersion} was before it`, undone, left)
  return end(options, record, 'open', `${version} runs, but a canary is still there: resume`, undone, left)
}

/** Until the stage may end. @throws Bad; TakenOver */
async function watchStage(options: MachineOptions, record: RunRecord, percent: number): Promise<void> {
  const { rules, now } = options
  let state = beginStage(percent, now().getTime())
  for (;;) {
    await pause(options)
    stopIfAsked(options)
    await stillOurs(options, record)
    const at = now().getTime()
    const look = await lookAt(options, Math.min(rules.lookBackMs, at - state.begunAt))
    const { decision, state: after } = decide(rules, state, look, at)
    state = after
    tell(options, percent, decision.action, decision.reason, look)
    if (decision.action === 'withdraw') throw new Bad(decision.reason)
    if (decision.action === 'advance') return
  }
}

/** Whatever cannot be asked is not seen. */
async function lookAt({ figures, cluster }: MachineOptions, lookBackMs: number): Promise<Look> {
  const [canary, stable, pods] = await Promise.all([
    figures('canary', lookBackMs).catch(() => null),
    figures('stable', lookBackMs).catch(() => null),
    cluster.canaryPods().catch(() => null),
  ])
  return { canary, stable, pods }
}

/** @throws TakenOver. A cluster that does not answer is no reason to give up. */
async function stillOurs({ record: keeper, isRehearsal }: MachineOptions, { id, holder }: RunRecord): Promise<void> {
  if (isRehearsal === true) return
  const now = await keeper.read().catch(() => undefined)
  if (now === undefined) return
  if (now?.id !== id || now.holder !== holder || now.phase !== 'open') {
    throw new TakenOver('somebody else has taken this run over')
  }
}

// ---- back

async function withdraw(options: MachineOptions, record: RunRecord, reason: string): Promise<Ended> {
  tell(options, record.stage, 'undo', `withdrawn: ${reason}`)
  const first = await removeTraffic(options, record)
  const released = record.changed.includes('release') ? await undoServices(options, record) : { undone: [], left: [] }
  const rest = await removeCanary(options, record, first.left.length > 0)
  const undone = [...first.undone, ...released.undone, ...rest.undone]
  const left = [...first.left, ...released.left, ...rest.left]
  return end(options, record, left.length === 0 ? 'withdrawn' : 'stuck', reason, undone, left)
}

interface Undone {
  readonly undone: readonly string[]
  readonly left: readonly string[]
}

async function removeTraffic(options: MachineOptions, { changed, stage }: RunRecord): Promise<Undone> {
  const { cluster, limits } = options
  if (!changed.includes('split')) return { undone: [], left: [] }
  return tried(options, stage, 'the canary has 0 %', async () => {
    await cluster.split(0)
    try {
      await cluster.splitArrives(0, limits.splitMs)
    } catch {
      await cluster.allToStable()
      await cluster.splitArrives(0, limits.splitMs)
    }
  })
}

/** The canary's last: its pods go when no request comes to them any more. */
async function removeCanary(options: MachineOptions, record: RunRecord, hasTraffic = false): Promise<Undone> {
  const { cluster } = options
  if (hasTraffic) return { undone: [], left: ['the canary was left where it is, because it may still have traffic'] }
  const steps: Undone[] = []
  if (record.changed.includes('split')) {
    steps.push(await tried(options, record.stage, 'the split is deleted', () => cluster.removeSplit()))
  }
  if (record.changed.includes('canary')) {
    steps.push(await tried(options, record.stage, 'the canary is deleted', () => cluster.removeCanary()))
  }
  return { undone: steps.flatMap(({ undone }) => undone), left: steps.flatMap(({ left }) => left) }
}

/** Only services that still have what this run gave them, and had something else before. */
async function undoServices(options: MachineOptions, record: RunRecord): Promise<Undone> {
  const { cluster, limits } = options
  const now = await cluster.services().catch(() => null)
  if (now === null) return { undone: [], left: ['the services could not be read: none was rolled back'] }
  const steps: Undone[] = []
  for (const service of SERVICES) {
    const before = record.before[service]
    if (!isOurs(now[service], before, record.image)) continue
    steps.push(
      await tried(options, record.stage, `${service} is back at ${tagOf(before.image)}`, async () => {
        if ((await cluster.services())[service].image === record.image) await cluster.undo(service, before.revision)
        await cluster.isRolledOut(service, limits.rolloutMs)
      }),
    )
  }
  return { undone: steps.flatMap(({ undone }) => undone), left: steps.flatMap(({ left }) => left) }
}

function isOurs(now: Released, before: Released, image: string): boolean {
  return now.image === image && before.image !== image
}

/** Tries a step a few times: it is the way back. */
async function tried(options: MachineOptions, stage: number, what: string, step: () => Promise<void>): Promise<Undone> {
  let failure = ''
  for (let tries = 0; tries < UNDO_TRIES; tries += 1) {
    if (tries > 0) await sleep(options.limits.retryMs)
    try {
      await step()
      tell(options, stage, 'undo', what)
      return { undone: [what], left: [] }
    } catch (error) {
      failure = (error as Error).message
    }
  }
  const left = `not done: ${what} (${failure})`
  tell(options, stage, 'undo', left)
  return { undone: [], left: [left] }
}

async function end(
  options: MachineOptions,
  record: RunRecord,
  phase: RunRecord['phase'],
  reason: string,
  undone: readonly string[],
  left: readonly string[],
): Promise<Ended> {
  const endedAt = options.now().toISOString()
  const closed = { ...record, phase, reason, endedAt }
  const notKept = await options.record.write(closed).then(
    () => [],
    (error: Error) => [`the record of the run was not written: ${error.message}`],
  )
  const all = [...left, ...notKept]
  const outcome = all.length > 0 || phase === 'open' ? 'stuck' : phase
  tell(options, record.stage, 'end', `${outcome}: ${reason}`)
  return { outcome, reason, record: closed, undone, left: all }
}

// ---- small things

function tell(options: MachineOptions, stage: number, action: Told['action'], reason: string, look?: Look): void {
  options.tell({ at: options.now().toISOString(), stage, action, reason, ...look })
}

async function pause({ rules, stop }: MachineOptions): Promise<void> {
  await sleep(rules.lookEveryMs, undefined, { signal: stop }).catch(() => {})
}

function stopIfAsked(options: MachineOptions): void {
  if (options.stop.aborted) throw new Bad(stopReason(options))
}

/** What is waited for, unless this is stopped before. @throws Bad */
function orStopped(options: MachineOptions, waiting: Promise<void>): Promise<void> {
  stopIfAsked(options)
  return new Promise((done, fail) => {
    const stopped = () => fail(new Bad(stopReason(options)))
    options.stop.addEventListener('abort', stopped, { once: true })
    waiting.then(done, fail).finally(() => options.stop.removeEventListener('abort', stopped))
  })
}

function stopReason({ stop }: MachineOptions): string {
  return `it was stopped: ${String(stop.reason)}`
}

function repositoryOf(image: string): string {
  return image.replace(/(?::[^/:@]+)?(?:@[^/]+)?$/, '')
}

/** `1.2.3` of `repository:1.2.3`, the whole where there is no tag. */
export function tagOf(image: string): string {
  return /:([^/:@]+)(?:@[^/]+)?$/.exec(image)?.[1] ?? image
}
