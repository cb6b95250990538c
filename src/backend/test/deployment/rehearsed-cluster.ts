// A cluster for the commands of the operators' pages: the API in memory, with what the add-ons of a real one would do (secrets out of
// Secrets Manager, certificates), and a real engine of five services, to whose gateway every pod's port 8000 leads and on whose database
// commands in pods work.
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SERVICE_ROLES } from '../../database/service-users.ts'
import { type FiveServices, startFiveServices } from '../../tools/local-cluster.ts'
import { certificateAuthority } from '../certificates.ts'
import { startPostgres, temporaryFolder } from '../postgres.ts'
import { engineImage } from './kubernetes-api/engine-image.ts'
import { startKubernetesApi } from './kubernetes-api/kubernetes-api.ts'
import { makeSecrets } from './kubernetes-api/secret-makers.ts'

const SYNC_EVERY_MS = 200
/** Of the user for migrations, which jobs/db-init makes. */
const PASSWORD = 'only-for-a-rehearsal'

export interface RehearsedCluster {
  readonly kubeconfig: string
  readonly engine: FiveServices
  end(): Promise<void>
}

/** @param namespaces in which secrets are made */
export async function startRehearsedCluster(namespaces: readonly string[]): Promise<RehearsedCluster> {
  const folder = temporaryFolder('rehearsed-cluster')
  const postgres = await startPostgres()
  const engine = await startFiveServices({ postgres, env: { LOG_LEVEL: 'warn' } })
  const ours = engineImage(join(folder, 'image'), () => false)
  const { PATH = '' } = ours.environment
  const environment = { ...ours.environment, PATH: `${curlOf(folder, engine.url)}:${PATH}` }
  // No pod is started, so none has ports of its own: curl goes to the engine.
  const image = { ...ours, environment, portSettings: {} }
  const authority = certificateAuthority()
  const api = await startKubernetesApi({ imageOf: () => image, tls: authority.sign('kubernetes') })
  // The users that the engine is logged in as keep their passwords.
  const passwords = new Map(SERVICE_ROLES.map((role) => [`${role}_user`, postgres.passwordOf(role)]))
  // Rights of users are looked at elsewhere: here everybody is the owner.
  const secretValue = (_name: string, key: string) => {
    if (key.endsWith('_user')) return passwords.get(key) ?? PASSWORD
    // The manifests ask for TLS, which this server has none of.
    return /(?:^|-)url$/.test(key) ? `${postgres.url}?sslmode=disable` : 'x'
  }
  const syncing = setInterval(() => {
    for (const namespace of namespaces) makeSecrets({ api, authority, secretValue }, namespace)
  }, SYNC_EVERY_MS)
  return {
    kubeconfig: api.kubeconfig,
    engine,
    async end() {
      clearInterval(syncing)
      await api.end()
      authority.remove()
      await engine.stop()
      await postgres.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A folder with a curl for which localhost:8000 is the engine. */
function curlOf(folder: string, engineUrl: string): string {
  const bin = join(folder, 'curl')
  mkdirSync(bin)
  const program = join(bin, 'curl')
  const { host } = new URL(engineUrl)
  writeFileSync(program, `#!/bin/sh\nPATH=\${PATH#*:}\nexec curl --connect-to "localhost:8000:${host}" "$@"\n`)
  chmodSync(program, 0o755)
  return bin
}
