// Every dashboard by the name of its file.
import { SERVICES } from '../rules/rule.ts'
import { executiveDashboard } from './executive.ts'
import { operationalDashboard } from './operational.ts'
import { serviceDashboard } from './service.ts'
import { technicalDashboard } from './technical.ts'

export function dashboards(): Readonly<Record<string, object>> {
  return {
    executive: executiveDashboard(),
    operational: operationalDashboard(),
    technical: technicalDashboard(),
    ...Object.fromEntries(SERVICES.map((service) => [service, serviceDashboard(service)])),
  }
}
