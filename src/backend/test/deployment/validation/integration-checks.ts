// The integration tests: the flows that the desk and its brokers live by, each from its request to what is kept of it.
import { ACCESS_CHECKS } from './access-checks.ts'
import { ADMINISTRATION_CHECKS } from './administration-checks.ts'
import { BATCH_CHECKS } from './batch-checks.ts'
import type { Check } from './check.ts'
import { QUOTE_CHECKS } from './quote-checks.ts'
import { RATE_CHECKS } from './rate-checks.ts'
import { RECORD_CHECKS } from './record-checks.ts'
import { alive, feedsUp, services } from './smoke-checks.ts'

const FEED_CHECKS: readonly Check[] = [
  services,
  {
    group: 'feeds',
    name: 'the feeds deliver',
    expected: 'every feed up, in /health/external',
    run: feedsUp,
  },
]

export const INTEGRATION_CHECKS: readonly Check[] = [
  alive,
  ...FEED_CHECKS,
  ...QUOTE_CHECKS,
  ...BATCH_CHECKS,
  ...RATE_CHECKS,
  ...ACCESS_CHECKS,
  ...RECORD_CHECKS,
  ...ADMINISTRATION_CHECKS,
]

const ADMINISTRATION = 'administration'
const GROUPS = [...new Set(INTEGRATION_CHECKS.map(({ group }) => group))]

/** Groups of checks by the name of a subset. Critical is what prices and proves; an administrator's work can wait for a while. */
export const SUBSETS: Readonly<Record<string, readonly string[]>> = {
  critical: GROUPS.filter((group) => group !== ADMINISTRATION),
  ...Object.fromEntries(GROUPS.map((group) => [group, [group]])),
}
