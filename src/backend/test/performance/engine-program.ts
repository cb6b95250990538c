// The built engine as its operator starts it.
import { fileURLToPath } from 'node:url'

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Everything in one process, for Node. */
export const ALL_IN_ONE: readonly string[] = ['--enable-source-maps', file('../../dist/services/all-in-one.js')]

/** The same without one step: no record is kept. */
export const ALL_IN_ONE_WITHOUT_RECORD: readonly string[] = ['--import', file('./no-audit-log.mjs'), ...ALL_IN_ONE]

/** Of every service. */
export const READY_PATH = '/health/readiness'

/** Nothing is shed: what else the machine does meanwhile is not what is measured. */
export const NOTHING_SHED = { OVERLOAD_EVENT_LOOP_DELAY_MS: '10000' }
