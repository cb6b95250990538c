// The controller as a program: `borrow-rate-engine.js traffic-split-controller`, in a pod whose service account may read TrafficSplits
// and HTTPRoutes of its namespace and write the routes. Health and metrics are where every service has them.
import { runService } from '../../server/service-process.ts'
import { clusterAccess, SERVICE_ACCOUNT_FOLDER } from './cluster-access.ts'
import { startController } from './controller.ts'

/** After the program's own name: where the service account is mounted, when that is not where Kubernetes mounts it. */
const folder = process.argv[3] ?? SERVICE_ACCOUNT_FOLDER

await runService('traffic-split-controller', async ({ log, metrics, clock }) => {
  const access = clusterAccess(process.env, folder)
  const controller = startController({ access, log, registry: metrics.registry, now: clock })
  return {
    operations: null,
    components: { kubernetes_api: controller.check },
    stop: controller.close,
  }
})
