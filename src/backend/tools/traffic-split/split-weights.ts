// What a TrafficSplit asks of a route, without any connection: the split is read and judged, and the route's rules are made anew with
// its weights.

export interface TrafficSplit {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly generation?: number
  }
  readonly spec?: { readonly service?: unknown; readonly backends?: unknown }
}

interface BackendRef {
  readonly name: string
  readonly weight?: number
  readonly [field: string]: unknown
}

export interface Rule {
  readonly backendRefs?: readonly BackendRef[]
  readonly [field: string]: unknown
}

export interface Route {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly resourceVersion: string
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: { readonly rules?: readonly Rule[] }
}

/** Per cent of the requests, by service. */
export type Weights = ReadonlyMap<string, number>

/** A route that has this annotation is written, no other; its value is the service that gets everything when there is no split. */
export const STABLE_SERVICE = 'borrow-rate-engine/stable-service'

const WEIGHTS_SUM = 100
const BACKENDS_MAX = 16

/** What must not be: each entry a sentence for whoever wrote the split. */
export class SplitRefused extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('; '))
    this.faults = faults
  }
}

/**
 * The weights that a split gives to the services of its route. A service of the route that the split does not name gets nothing.
 * @throws SplitRefused with everything that is wrong
 */
export function weightsOf(split: TrafficSplit, route: Route): Weights {
  const named = readBackends(split)
  const known = servicesOf(route)
  const unknown = [...named.keys()].filter((service) => !known.has(service))
  if (unknown.length > 0) {
    throw new SplitRefused([
      `the HTTPRoute ${route.metadata.name} does not know ${unknown.join(', ')}; it knows ${[...known].join(', ')}`,
    ])
  }
  return new Map([...known].map((service) => [service, named.get(service) ?? 0]))
}

/**
 * The weights of a route without a split: everything to the stable service.
 * @throws SplitRefused when the route does not know that service
 */
export function weightsWithoutSplit(route: Route): Weights {
  const stable = route.metadata.annotations?.[STABLE_SERVICE] ?? ''
  const known = servicesOf(route)
  if (!known.has(stable)) {
    throw new SplitRefused([`the annotation ${STABLE_SERVICE} names ${stable}, which is no backend of the HTTPRoute`])
  }
  return new Map([...known].map((service) => [service, service === stable ? WEIGHTS_SUM : 0]))
}

/** The route's rules with these weights, or null when they have them already. Nothing but weights differs. */
export function rulesWith(weights: Weights, route: Route): readonly Rule[] | null {
  let isOther = false
  const rules = (route.spec?.rules ?? []).map((rule) => {
    const { backendRefs } = rule
    if (backendRefs === undefined) return rule
    return {
      ...rule,
      backendRefs: backendRefs.map((ref) => {
        const weight = weights.get(ref.name) ?? 0
        // A backend without a weight has 1.
        if ((ref.weight ?? 1) === weight) return ref
        isOther = true
        return { ...ref, weight }
      }),
    }
  })
  return isOther ? rules : null
}

/** `api-gateway-stable 90, api-gateway-canary 10` */
export function weightsText(weights: Weights): string {
  return [...weights].map(([service, weight]) => `${service} ${weight}`).join(', ')
}

function servicesOf(route: Route): Set<string> {
  return new Set((route.spec?.rules ?? []).flatMap(({ backendRefs = [] }) => backendRefs.map(({ name }) => name)))
}

function readBackends({ spec }: TrafficSplit): Weights {
  const backends = spec?.backends
  if (!Array.isArray(backends) || backends.length === 0) throw new SplitRefused(['spec.backends is empty'])
  if (backends.length > BACKENDS_MAX) throw new SplitRefused([`spec.backends has more than ${BACKENDS_MAX} entries`])
  const weights = new Map<string, number>()
  const faults: string[] = []
  for (const [at, backend] of (backends as { service?: unknown; weight?: unknown }[]).entries()) {
    const { service, weight } = backend ?? {}
    if (typeof service !== 'string' || service === '') faults.push(`spec.backends[${at}].service is not a name`)
    else if (weights.has(service)) faults.push(`${service} is named twice`)
    else if (!Number.isInteger(weight) || (weight as number) < 0 || (weight as number) > WEIGHTS_SUM) {
      faults.push(
        `the weight of ${service} is ${JSON.stringify(weight)}: it must be a whole number from 0 to ${WEIGHTS_SUM}`,
      )
    } else weights.set(service, weight as number)
  }
  const sum = [...weights.values()].reduce((total, weight) => total + weight, 0)
  if (faults.length === 0 && sum !== WEIGHTS_SUM) {
    faults.push(`the weights add up to ${sum}, not to ${WEIGHTS_SUM}: ${weightsText(weights)}`)
  }
  if (faults.length > 0) throw new SplitRefused(faults)
  return weights
}
