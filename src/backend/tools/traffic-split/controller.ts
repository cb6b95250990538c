// Translates TrafficSplits into the weights of HTTPRoutes. The Service Mesh Interface is no longer kept up, but its TrafficSplit is what
// the deployment commands write; the gateway understands weights of backendRefs.
//
// What is watched only rings a bell. For each ring everything is read anew, the routes first and then the splits, and a route is written
// where its weights are not what the splits say, guarded by the version that was read. So each write follows from the splits alone, and
// none goes over a newer one: several replicas may run at once without electing a leader, a missed event costs at most the time until
// the next look, and there is no copy that could be old. While none runs, weights stay as they are.
//
// `spec.rules` of an HTTPRoute is one value to server-side apply (the Gateway API declares it atomic), so it is written whole, with
// nothing changed but weights, and owned by this field manager; `kubectl apply` of the manifests puts their weights back, and this
// writes the splits' again at once.
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Log } from '../../server/log.ts'
import { ApiRefused, type ClusterAccess } from './cluster-access.ts'
import {
  type Route,
  rulesWith,
  SplitRefused,
  STABLE_SERVICE,
  type TrafficSplit,
  type Weights,
  weightsOf,
  weightsText,
  weightsWithoutSplit,
} from './split-weights.ts'

export interface ControllerOptions {
  readonly access: ClusterAccess
  readonly log: Log
  readonly registry: Registry
  readonly now: () => Date
}

export interface Controller {
  /** Rejects while the cluster cannot be read or written: the details of /health show it. */
  check(): Promise<Readonly<Record<string, unknown>>>
  close(): Promise<void>
}

interface ListOf<T> {
  readonly items: readonly T[]
}

const FIELD_MANAGER = 'traffic-split-controller'
const GATEWAY_API = 'gateway.networking.k8s.io/v1'
const SPLIT_API = 'split.smi-spec.io/v1alpha1'

/** Everything is looked at this often, whether or not a bell rang. */
const LOOK_EVERY_MS = 30_000
const RETRY_MS_MIN = 250
const RETRY_MS_MAX = 30_000
const CONFLICT = 409

export function startController({ access, log, registry, now }: ControllerOptions): Controller {
  const { namespace } = access
  const routesPath = `/apis/${GATEWAY_API}/namespaces/${namespace}/httproutes`
  const splitsPath = `/apis/${SPLIT_API}/namespaces/${namespace}/trafficsplits`
  const eventsPath = `/api/v1/namespaces/${namespace}/events`
  const stopping = new AbortController()
  const counts = createCounts(registry)
  /** What was last said of a split or a route, so that it is said once. */
  const said = new Map<string, string>()
  let rings = 1
  let wake: () => void = () => {}
  let failure: unknown = new Error('the cluster has not been read yet')

  const ring = () => {
    rings += 1
    wake()
  }

  async function look(): Promise<void> {
    const [routes, splits] = [
      (await access.read<ListOf<Route>>(routesPath)).items.filter(
        ({ metadata }) => metadata.annotations?.[STABLE_SERVICE],
      ),
      (await access.read<ListOf<TrafficSplit>>(splitsPath)).items,
    ]
    let refused = 0
    for (const route of routes) {
      const own = splits.filter(({ spec }) => spec?.service === route.metadata.name)
      try {
        const weights = wantedWeights(route, own)
        counts.show(route, weights)
        await write(route, weights)
        for (const split of own) await tell(split, 'Normal', 'TrafficSplitApplied', weightsText(weights))
      } catch (error) {
        if (!(error instanceof SplitRefused)) throw error
        refused += 1
        for (const split of own) await tell(split, 'Warning', 'TrafficSplitRefused', error.message)
        if (own.length === 0)
          sayOnce(route.metadata.name, () => log.error({ route: route.metadata.name }, error.message))
      }
    }
    for (const split of splits) {
      const service = String(split.spec?.service)
      if (routes.some(({ metadata }) => metadata.name === service)) continue
      refused += 1
      const why = `there is no HTTPRoute ${service} with the annotation ${STABLE_SERVICE}`
      await tell(split, 'Warning', 'TrafficSplitRefused', why)
    }
    counts.refused.set(refused)
    const there = new Set([
      ...splits.map(({ metadata }) => metadata.uid),
      ...routes.map(({ metadata }) => metadata.name),
    ])
    for (const key of said.keys()) if (!there.has(key)) said.delete(key)
  }

  async function write(route: Route, weights: Weights): Promise<void> {
    const rules = rulesWith(weights, route)
    if (rules === null) return
    const { name, resourceVersion } = route.metadata
    await access.write(`${routesPath}/${name}?fieldManager=${FIELD_MANAGER}&force=true`, {
      method: 'PATCH',
      type: 'application/apply-patch+yaml',
      body: {
        apiVersion: GATEWAY_API,
        kind: 'HTTPRoute',
        metadata: { name, namespace, resourceVersion },
        spec: { rules },
      },
    })
    counts.writes.inc()
    log.info({ route: name, weights: Object.fromEntries(weights) }, 'wrote the weights of a route')
  }

  /** To the log, and as an Event of the split for whoever describes it. The name says what it says: two replicas write one. */
  async function tell(
    split: TrafficSplit,
    type: 'Normal' | 'Warning',
    reason: 'TrafficSplitApplied' | 'TrafficSplitRefused',
    message: string,
  ): Promise<void> {
    const { name, uid, generation = 0 } = split.metadata
    const words = `${generation} ${reason} ${message}`
    if (said.get(uid) === words) return
    if (type === 'Warning')
      log.error({ split: name, reason }, `the split is refused, weights stay as they are: ${message}`)
    else log.info({ split: name, reason }, message)
    const time = now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
    const hash = createHash('sha256').update(`${uid} ${words}`).digest('hex').slice(0, 16)
    try {
      await access.write(eventsPath, {
        method: 'POST',
        type: 'application/json',
        body: {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: `${name}.${hash}`, namespace },
          involvedObject: { apiVersion: SPLIT_API, kind: 'TrafficSplit', name, namespace, uid },
          type,
          reason,
          message,
          source: { component: FIELD_MANAGER },
          firstTimestamp: time,
          lastTimestamp: time,
          count: 1,
        },
      })
    } catch (error) {
      // The other replica has said it. Any other failure of an Event must not keep weights from being written.
      if (!isConflict(error)) log.warn({ err: error }, 'an Event could not be written')
    }
    said.set(uid, words)
  }

  function sayOnce(key: string, say: () => void): void {
    if (said.has(key)) return
    said.set(key, '')
    say()
  }

  /** Looks after each ring and now and then without one; after a failure again, with growing pauses. */
  async function work(): Promise<void> {
    let failures = 0
    while (!stopping.signal.aborted) {
      const ringsSeen = rings
      try {
        await look()
        if (failures > 0) log.info('the cluster answers again')
        failures = 0
        failure = null
      } catch (error) {
        if (stopping.signal.aborted) return
        if (isConflict(error)) {
          // Somebody wrote the route between reading and writing.
          log.info('a route changed meanwhile: looking again')
          continue
        }
        failures += 1
        failure = error
        log.warn({ err: error, failures }, 'the weights could not be looked after, and will be again')
      }
      if (failures > 0) await pause(failures)
      else if (ringsSeen === rings) await nextRing()
    }
  }

  async function nextRing(): Promise<void> {
    const seen = rings
    await new Promise<void>((done) => {
      const timer = setTimeout(done, LOOK_EVERY_MS)
      wake = () => {
        clearTimeout(timer)
        done()
      }
      if (stopping.signal.aborted || seen !== rings) wake()
    })
    wake = () => {}
  }

  /** Keeps one watch open: again as soon as it ends in order, with growing pauses when it cannot be had. */
  async function keepWatching(path: string, watched: string): Promise<void> {
    let failures = 0
    while (!stopping.signal.aborted) {
      const up = () => {
        failures = 0
        counts.watching.set({ watched }, 1)
        ring()
      }
      try {
        await access.watch(path, up, stopping.signal)
      } catch (error) {
        if (stopping.signal.aborted) return
        failures += 1
        log.warn({ err: error, watched }, 'a watch broke, and is opened again')
        // What breaks a watch may keep this from the cluster altogether: a look tells.
        ring()
      }
      counts.watching.set({ watched }, 0)
      if (failures > 0) await pause(failures)
    }
  }

  /** Twice as long each time, and by chance up to half of it less, so that replicas do not come together. */
  async function pause(failures: number): Promise<void> {
    const whole = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (failures - 1))
    await sleep(whole * (1 - Math.random() / 2), undefined, { signal: stopping.signal }).catch(() => {})
  }

  const running = Promise.all([
    work(),
    keepWatching(splitsPath, 'trafficsplits'),
    keepWatching(routesPath, 'httproutes'),
  ])
  return {
    async check() {
      if (failure !== null) throw failure
      return { namespace }
    },
    async close() {
      stopping.abort()
      ring()
      await running
      await access.close()
    },
  }
}

/** @throws SplitRefused when the splits of a route say nothing that can be done */
function wantedWeights(route: Route, splits: readonly TrafficSplit[]): Weights {
  const [split, ...more] = splits
  if (split === undefined) return weightsWithoutSplit(route)
  if (more.length === 0) return weightsOf(split, route)
  const names = splits.map(({ metadata }) => metadata.name).join(' and ')
  throw new SplitRefused([`${names} both split ${route.metadata.name}`])
}

function isConflict(error: unknown): boolean {
  return error instanceof ApiRefused && error.status === CONFLICT
}

function createCounts(registry: Registry) {
  const registers = [registry]
  const weight = new Gauge({
    name: 'traffic_split_weight_percent',
    help: 'Per cent of the requests that a service of a route shall have',
    labelNames: ['route', 'backend'],
    registers,
  })
  return {
    writes: new Counter({ name: 'traffic_split_writes_total', help: 'Routes whose weights were written', registers }),
    refused: new Gauge({
      name: 'traffic_split_refused',
      help: 'Splits and routes that are refused now, whose weights stay as they are',
      registers,
    }),
    watching: new Gauge({
      name: 'traffic_split_watching',
      help: '1 while the watch of that kind is open',
      labelNames: ['watched'],
      registers,
    }),
    show: (route: Route, weights: Weights) => {
      for (const [backend, percent] of weights) weight.set({ route: route.metadata.name, backend }, percent)
    },
  }
}
