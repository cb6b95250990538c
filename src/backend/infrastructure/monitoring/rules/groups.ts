// All rules, as the two files that Prometheus reads.
import { deploymentAlerts } from './deployment-alerts.ts'
import { inputAlerts } from './input-alerts.ts'
import { objectiveAlerts, objectiveRecordings } from './objectives.ts'
import { recordAlerts } from './record-alerts.ts'
import { type Alert, type RuleGroup, ruleOf, type Windows } from './rule.ts'
import { serviceAlerts } from './service-alerts.ts'
import { storeAlerts } from './store-alerts.ts'

export function recordingGroups(windows: Windows): readonly RuleGroup[] {
  return [objectiveRecordings(windows)]
}

/** The first group bears the guide's name, and its rule is the guide's. */
export function alertGroups(windows: Windows): readonly RuleGroup[] {
  const group = (name: string, alerts: readonly Alert[]): RuleGroup => ({ name, rules: alerts.map(ruleOf) })
  return [
    group('api-gateway', serviceAlerts(windows)),
    group('objectives', objectiveAlerts(windows)),
    group('inputs', inputAlerts(windows)),
    group('record', recordAlerts(windows)),
    group('stores', storeAlerts(windows)),
    group('deployments', deploymentAlerts(windows)),
  ]
}
