// The health of a process, in three depths. `/health` depends on nothing outside the process, so that a database that is
// away does not make an orchestrator restart what works; it turns 503 only while the process drains. `/health/details`
// asks every component, `/health/external` every feed.
import { Problem } from './problem.ts'

/** A question to a component: it resolves when the component works, with an object of facts worth showing or nothing, and rejects when it does not. */
export type ComponentCheck = () => Promise<unknown>

/** A question may take so long before its component counts as away. */
const CHECK_TIMEOUT_MS = 2000

export interface HealthOptions {
  readonly service: string
  readonly version: string
  readonly components?: Readonly<Record<string, ComponentCheck>>
  /** The feeds' states by name: lender, volatility, events. Absent where no feed is known. */
  readonly feeds?: () => Promise<Readonly<Record<string, unknown>>>
  /** More facts about the process itself, for the details. */
  readonly facts?: () => Readonly<Record<string, unknown>>
  /** Told of every component that is away, with the reason, which the answer does not show. */
  readonly onFailure?: (component: string, reason: unknown) => void
}

export interface Health {
  readonly draining: boolean
  /** From here on the process takes no new work: load balancers see 503. */
  drain(): void
  basic(): { status: number; body: Readonly<Record<string, unknown>> }
  details(): Promise<{ status: number; body: Readonly<Record<string, unknown>> }>
  /** The components alone, as the details have them. */
  componentStates(): Promise<Readonly<Record<string, 'up' | 'down'>>>
  external(): Promise<{ status: number; body: Readonly<Record<string, unknown>> }>
}

export function createHealth(options: HealthOptions): Health {
  const { service, version, components = {}, feeds, facts, onFailure } = options
  const startedAt = performance.now()
  let draining = false
  const askAll = () =>
    Promise.all(
      Object.entries(components).map(async ([name, check]) => [name, await stateOf(name, check, onFailure)] as const),
    )
  const about = () => ({
    service,
    version,
    uptime_seconds: Math.floor((performance.now() - startedAt) / 1000),
  })

  return {
    get draining() {
      return draining
    },
    drain() {
      draining = true
    },
    basic() {
      return draining
        ? { status: 503, body: { status: 'draining', ...about() } }
        : { status: 200, body: { status: 'ok', ...about() } }
    },
    async componentStates() {
      return Object.fromEntries((await askAll()).map(([name, { state }]) => [name, state]))
    },
    async details() {
      const entries = await askAll()
      const allUp = entries.every(([, component]) => component.state === 'up')
      const status = draining ? 'draining' : allUp ? 'ok' : 'degraded'
      return { status: 200, body: { status, ...about(), ...facts?.(), components: Object.fromEntries(entries) } }
    },
    async external() {
      if (feeds === undefined) return { status: 200, body: { status: 'ok', feeds: {} } }
      try {
        const states = await withTimeout(feeds())
        const allUp = Object.values(states).every((feed) => (feed as { state?: unknown }).state === 'up')
        return { status: 200, body: { status: allUp ? 'ok' : 'degraded', feeds: states } }
      } catch (cause) {
        throw new Problem('SERVICE_UNAVAILABLE', 'The state of the feeds is not known now', { cause })
      }
    },
  }
}

interface ComponentState {
  readonly state: 'up' | 'down'
  readonly latency_ms: number
}

async function stateOf(
  name: string,
  check: ComponentCheck,
  onFailure: HealthOptions['onFailure'],
): Promise<ComponentState> {
  const startedAt = performance.now()
  const latency = () => Math.round((performance.now() - startedAt) * 10) / 10
  try {
    const facts = await withTimeout(check())
    return { state: 'up', latency_ms: latency(), ...(typeof facts === 'object' ? facts : {}) }
  } catch (reason) {
    onFailure?.(name, reason)
    return { state: 'down', latency_ms: latency() }
  }
}

async function withTimeout<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
