// The deployment guide's kubectl lines, typed word for word into the real kubectl, on an API in memory: all of them in production; in
// development and staging those whose objects are the environment's own, from an empty cluster to a release with its migrations. Commands
// in pods run for real, on a real PostgreSQL; in production the gateway, the data service and a canary are real processes, started from
// what the manifests, ConfigMaps and Secrets give them.
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { downgrade } from '../../database/migrate.ts'
import { SERVICE_NAMES } from '../../tools/local-cluster.ts'
import { type Authority, certificateAuthority, hasOpenssl } from '../certificates.ts'
import { onPath } from '../debian-package.ts'
import { asOwner, type RealPostgres, startPostgres, temporaryFolder } from '../postgres.ts'
import { testBinaries } from '../postgres-found.ts'
import { until } from '../until.ts'
import { guideLines, type OperatorShell, operatorShell, type Typed } from './guide-kubectl.ts'
import { type ApiObject, listAt, treeAt } from './kubernetes-api/api-object.ts'
import { engineImage } from './kubernetes-api/engine-image.ts'
import { type KubernetesApi, startKubernetesApi } from './kubernetes-api/kubernetes-api.ts'
import { makeSecrets } from './kubernetes-api/secret-makers.ts'
import { ENVIRONMENTS, withoutKubectl } from './manifests.ts'

const missing = [
  ...(hasOpenssl ? [] : ['openssl (apt-get install -y openssl)']),
  ...(onPath('curl') === null ? ['curl (apt-get install -y curl)'] : []),
  ...(testBinaries() === null ? ['a PostgreSQL (npm ci --include=optional)'] : []),
]
if (missing.length > 0) console.warn(`\nThe guide's kubectl lines are not run: there is no ${missing.join(', no ')}\n`)

const lines = guideLines()
const typed = new Set<string>()

const ECR_REPO = '111111111111.dkr.ecr.us-east-1.amazonaws.com'
const FIRST = '1.2.3'
const SECOND = '1.3.0'
/** Pushed by nobody. */
const NEVER_BUILT = '9.9.9'
const REAL_PODS = new Set(['api-gateway', 'api-gateway-canary', 'data-service'])
const LAST_MIGRATION_STATE = /^\d{4}_\S+\s+applied/m
const SECRET_KEY = randomBytes(48).toString('base64url')

let postgres: RealPostgres
let authority: Authority
let api: KubernetesApi
let folder: string
let shell: OperatorShell
const passwords = new Map<string, string>()

describe.skipIf(withoutKubectl() || missing.length > 0)('the guide, word for word', () => {
  beforeAll(async () => {
    folder = temporaryFolder('kubectl')
    authority = certificateAuthority()
    postgres = await startPostgres({ migrated: false, durable: false })
    for (const env of ENVIRONMENTS)
      await asOwner(postgres.url, (client) => client.query(`CREATE DATABASE engine_${env}`))
    const isReal = (pod: ApiObject) =>
      pod.metadata.namespace === 'borrow-rate-engine-prod' && REAL_PODS.has(pod.metadata.labels?.app ?? '')
    const engine = engineImage(join(folder, 'image'), isReal)
    const other = { ...engine, starts: () => false }
    api = await startKubernetesApi({
      tls: authority.sign('kubernetes'),
      imageOf: (reference) =>
        reference.endsWith(`:${NEVER_BUILT}`) ? null : /\/borrow-rate-engine:/.test(reference) ? engine : other,
    })
    shell = operatorShell(folder, api.kubeconfig)
  })

  afterAll(async () => {
    await api?.end()
    await postgres?.end()
    authority?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  describe.each(ENVIRONMENTS)('%s', (env) => {
    const isProduction = env === 'prod'
    const namespace = `borrow-rate-engine-${env}`
    const variables = { ENV: env, ECR_REPO, VERSION: FIRST }
    const own = (command: string, more: Readonly<Record<string, string>> = {}) =>
      shell.type(command, { ...variables, ...more })
    const guide = (name: string, more: Readonly<Record<string, string>> = {}) => {
      const line = lines.get(name)
      if (line === undefined) throw new Error(`the guide has no ${name}`)
      typed.add(name)
      return own(line, more)
    }
    const imagesOfServices = () =>
      SERVICE_NAMES.map(
        (name) => listAt(api.find('deployments', namespace, name), 'spec', 'template', 'spec', 'containers')[0]?.image,
      )
    const imageOf = (version: string) => `${ECR_REPO}/borrow-rate-engine:${version}`
    const whatIsThere = () =>
      own(
        `kubectl get pods,events -n ${namespace}
         for name in api-gateway data-service; do kubectl logs deployment/$name -n ${namespace} --tail=20; done`,
      )
    const rolledOut = () => done(guide('rollout-status'), whatIsThere)
    const runJob = (job: string) =>
      done(
        own(
          `sed "s|image: .*|image: \${ECR_REPO}/borrow-rate-engine:\${VERSION}|g" infrastructure/kubernetes/jobs/${job}.yaml |
             kubectl replace --force -n ${namespace} -f -
           kubectl wait --for=condition=complete job/${job} -n ${namespace} --timeout=30s`,
        ),
        () => own(`kubectl get pods -n ${namespace}; kubectl logs job/${job} -n ${namespace} --all-containers`),
      )
    const release = async (version: string) => {
      await done(guide('image-tag', { VERSION: version }))
      const applied = await done(guide('apply'))
      makeSecrets({ api, authority, secretValue }, namespace)
      return applied
    }

    test('the namespaces are made, and enforce the restricted standard', async () => {
      const { stdout } = await done(guide('namespaces'))
      expect(stdout).toContain(`namespace/${namespace}`)
      expect(api.find('namespaces', '', namespace)?.metadata.labels).toMatchObject({
        'pod-security.kubernetes.io/enforce': 'restricted',
      })
      expect(api.find('namespaces', '', 'monitoring')).not.toBeNull()
    })

    test('the cluster is set up once: definitions, classes, roles', async () => {
      await done(own('kubectl apply -f infrastructure/kubernetes/crds/'))
      await done(own(`kubectl apply -k infrastructure/kubernetes/cluster/${env}`))
      // The guide's lines about a secret and about pods name no namespace: the context does.
      await done(own(`kubectl config set-context --current --namespace=${namespace}`))
    })

    if (isProduction) {
      test('`kubectl run db-init` as it stands is refused: its pod says nothing of security', async () => {
        for (const name of ['database-init', 'database-seed']) {
          const { status, stderr } = await guide(name)
          expect(status).toBe(1)
          expect(stderr).toContain('is forbidden: violates PodSecurity "restricted:latest"')
        }
        expect(api.list('pods', namespace)).toEqual([])
      })

      test('where pods are not restricted it reaches the script, which has no database to work on', async () => {
        const { status, stdout, stderr } = await own(
          `${lines.get('database-init')?.replace('kubectl', 'kubectl -n default')}`,
        )
        expect(`${stdout}${stderr}`).toMatch(/DATABASE_URL|embedded/)
        expect(status).not.toBe(0)
        expect(api.list('pods', 'default')).toEqual([])
      })

      test('the secret is made by hand, under the key that the pods mount', async () => {
        await done(guide('secret'))
        const url = treeAt(api.find('secrets', namespace, 'database-credentials'), 'data').url
        expect(Buffer.from(String(url), 'base64').toString()).toBe(
          'postgresql://admin:REDACTED@db.example.com:5432/borrow_rate_engine',
        )
        // From here on it is the External Secrets Operator's.
        await done(own('kubectl delete secret database-credentials'))
      })
    }

    test('the database is made by the jobs: schema and users as its owner, reference data as the migrator', async () => {
      await done(
        own(`kubectl apply -k infrastructure/kubernetes/overlays/${env} -l 'app.kubernetes.io/component!=service'`),
      )
      makeSecrets({ api, authority, secretValue }, namespace)
      const jobs = ['db-init', 'db-seed', ...(isProduction ? ['db-seed', 'db-migrate'] : [])]
      for (const job of jobs) await runJob(job)
      const { stdout } = await done(own(`kubectl logs job/db-init -n ${namespace} -c schema`))
      expect(stdout).toMatch(LAST_MIGRATION_STATE)
      const brokers = await asOwner(ownerUrl(namespace), (client) =>
        client.query('SELECT count(*)::int AS n FROM brokers'),
      )
      // Seeded twice in production: the same row.
      expect(brokers.rows[0].n).toBe(1)
    })

    if (isProduction) {
      test('with the words that a restricted namespace wants, `kubectl run -it --rm` migrates while one looks on', async () => {
        const overrides = JSON.stringify({ spec: podOfJob(api, namespace, 'db-seed', imageOf(FIRST)) })
        const line = lines
          .get('database-init')
          ?.replace(' -- ', ` --overrides='${overrides}' --override-type=strategic -- `)
        const { stdout } = await done(own(`${line}`))
        expect(stdout).toContain('nothing to apply')
        expect(stdout).toMatch(LAST_MIGRATION_STATE)
        expect(stdout).toContain('pod "db-init" deleted')
      })
    }

    test('a release is rolled out: the five have its image, and turn ready', async () => {
      await release(FIRST)
      const { stdout } = await rolledOut()
      expect(stdout.match(/successfully rolled out/g)).toHaveLength(5)
      expect(imagesOfServices()).toEqual(SERVICE_NAMES.map(() => imageOf(FIRST)))
      // The pooler and the controller are not of the release.
      const pooler = api.find('deployments', namespace, 'pgbouncer')
      expect(listAt(pooler, 'spec', 'template', 'spec', 'containers')[0]?.image).not.toBe(imageOf(FIRST))
    })

    test('applying it again changes nothing', async () => {
      const { stdout } = await done(guide('apply'))
      // kubectl always writes the selector of a disruption budget anew.
      const changed = stdout.split('\n').filter((line) => line !== '' && !/ unchanged$|^poddisruptionbudget/.test(line))
      expect(changed).toEqual([])
    })

    test('the configuration is read, and applied by itself', async () => {
      const { stdout } = await done(guide('configuration'))
      expect(stdout).toContain('kind: ConfigMap')
      expect(stdout).toContain(`LOG_LEVEL: ${env === 'dev' ? 'debug' : 'info'}`)
      const applied = await done(guide('configuration-patch'))
      expect(applied.stdout).toContain('configmap/api-gateway-config')
    })

    test('pods are listed', async () => {
      const { stdout } = await done(guide('pods'))
      expect(stdout).toMatch(/^api-gateway-\S+\s+1\/1\s+Running/m)
    })

    test('migrations are looked at from a pod of the gateway', async () => {
      const { stdout, stderr } = await done(guide('migrations-status'))
      expect(stdout).toMatch(LAST_MIGRATION_STATE)
      expect(stdout).not.toContain('pending')
      expect(stderr).toContain('Unable to use a TTY')
    })

    test(
      isProduction
        ? "production's gateway has no rights over the schema: the job migrates"
        : 'migrations are applied from a pod of the gateway, which has the address for it',
      async () => {
        await downgrade(ownerUrl(namespace), 1)
        expect((await guide('migrations-status')).stdout).toMatch(/\spending$/m)
        const { status, stdout, stderr } = await guide('migrations-upgrade')
        if (isProduction) {
          expect(`${status} ${stderr}`).toMatch(/^1 [\s\S]*api_gateway_user may not migrate/)
          await runJob('db-migrate')
        } else expect(`${status} ${stdout}${stderr}`).toMatch(/^0 applied \d{4}_/)
        const after = await done(guide('migrations-status'))
        expect(after.stdout).not.toContain('pending')
      },
    )

    if (!isProduction) return

    test('a release that was never built does not turn ready; undone, the image before is back', async () => {
      await release(SECOND)
      await rolledOut()
      expect(imagesOfServices()).toEqual(SERVICE_NAMES.map(() => imageOf(SECOND)))
      await release(NEVER_BUILT)
      const { status, stderr } = await own(
        `kubectl rollout status deployment/audit-service -n ${namespace} --timeout=1s`,
      )
      expect(`${status} ${stderr}`).toContain('1 error: timed out waiting for the condition')
      expect((await guide('pods')).stdout).toMatch(/^audit-service-\S+\s+0\/1\s+ErrImagePull/m)
      await done(guide('rollback'))
      await rolledOut()
      expect(imagesOfServices()).toEqual(SERVICE_NAMES.map(() => imageOf(SECOND)))
      const history = await done(own(`kubectl rollout history deployment/audit-service -n ${namespace}`))
      expect(history.stdout).toMatch(/REVISION[\s\S]*\n4\s/)
    })

    test('the secret is made again and applied, and all deployments are started again', async () => {
      const before = api.list('pods', namespace).map(({ metadata }) => metadata.name)
      await done(guide('secret-again'))
      const url = treeAt(api.find('secrets', namespace, 'database-credentials'), 'data').url
      expect(Buffer.from(String(url), 'base64').toString()).toContain('borrow-rate-engine-prod-restored.example.com')
      makeSecrets({ api, authority, secretValue }, namespace)
      const { stdout } = await done(guide('restart'))
      for (const name of SERVICE_NAMES) expect(stdout).toContain(`deployment.apps/${name} restarted`)
      await rolledOut()
      const after = api
        .list('pods', namespace)
        .filter(({ metadata }) => SERVICE_NAMES.includes(metadata.labels?.app as never))
      expect(after.filter(({ metadata }) => before.includes(metadata.name))).toEqual([])
    })

    test('the autoscaler of the calculation service is set to 5 to 30', async () => {
      await done(guide('scale'))
      const { stdout } = await done(
        own('kubectl get hpa calculation-service-hpa -o jsonpath={.spec.minReplicas}/{.spec.maxReplicas}'),
      )
      expect(stdout).toBe('5/30')
    })

    test('the log of the gateway and the health of services are looked at', async () => {
      const log = await done(guide('logs'))
      const health = await done(guide('health'))
      const external = await done(guide('health-external'))
      expect(log.stdout).toContain('"message":"listening"')
      expect(JSON.parse(health.stdout)).toMatchObject({ status: 'ok', service: 'api-gateway' })
      expect(JSON.parse(external.stdout)).toHaveProperty('feeds')
    })

    test('connections are counted by a word of Node; there is no Python that could', async () => {
      const { status, stderr } = await guide('database-connections')
      expect(`${status} ${stderr}`).toMatch(/^2 [\s\S]*there is no Python here/)
      const { stdout } = await done(
        own(`kubectl exec -it deployment/api-gateway -n ${namespace} -- node dist/scripts/db_connections.js`),
      )
      expect(stdout).toContain('api_gateway_user')
    })
  })

  describe('the canary, in production', () => {
    const variables = { ENV: 'prod', ECR_REPO, VERSION: SECOND }
    const guide = (name: string) => {
      typed.add(name)
      return shell.type(lines.get(name) as string, variables)
    }
    const weights = () =>
      listAt(api.find('trafficsplits', 'borrow-rate-engine-prod', 'api-gateway-split'), 'spec', 'backends').map(
        ({ weight }) => weight,
      )

    test('starts beside the gateway, and says something', async () => {
      await done(
        shell.type(
          `(cd infrastructure/kubernetes/canary && sed -i "s|image: .*|image: \${ECR_REPO}/borrow-rate-engine:\${VERSION}|g" kustomization.yaml)
           kubectl apply -k infrastructure/kubernetes/canary
           kubectl rollout status deployment/api-gateway-canary -n borrow-rate-engine-prod`,
          variables,
        ),
      )
      await until('the canary has said that it listens', 10_000, async () => {
        const { stdout } = await done(guide('canary-logs'))
        return stdout.includes('"message":"listening"')
      })
    })

    test('a split of 10 % and one of 30 % are accepted as they stand', async () => {
      expect((await done(guide('canary-10'))).stdout).toContain(
        'trafficsplit.split.smi-spec.io/api-gateway-split created',
      )
      expect(weights()).toEqual([90, 10])
      expect((await done(guide('canary-30'))).stdout).toContain(
        'trafficsplit.split.smi-spec.io/api-gateway-split configured',
      )
      expect(weights()).toEqual([70, 30])
    })

    test('a misspelt or impossible split is refused', async () => {
      const misspelt = await shell.type((lines.get('canary-10') as string).replace('weight: 10', 'wieght: 10'))
      expect(`${misspelt.status} ${misspelt.stderr}`).toMatch(/^1 [\s\S]*unknown field "spec.backends\[1\].wieght"/)
      const impossible = await shell.type((lines.get('canary-10') as string).replace('weight: 10', 'weight: -10'))
      expect(`${impossible.status} ${impossible.stderr}`).toMatch(/^1 [\s\S]*is invalid/)
      expect(weights()).toEqual([70, 30])
    })
  })

  test('no line of the guide was left out', () => {
    expect([...lines.keys()].filter((name) => !typed.has(name))).toEqual([])
  })
})

/** @throws Error with everything that was said when the command failed */
async function done(running: Promise<Typed>, more?: () => Promise<Typed>): Promise<Typed> {
  const result = await running
  if (result.status === 0) return result
  const about = more === undefined ? null : await more()
  throw new Error(
    `status ${result.status}\n${result.stdout}${result.stderr}\n${about?.stdout ?? ''}${about?.stderr ?? ''}`,
  )
}

function ownerUrl(namespace: string): string {
  const url = new URL(postgres.url)
  url.pathname = `/engine_${namespace.split('-').at(-1)}`
  url.searchParams.set('sslmode', 'disable')
  return url.href
}

/** Secrets Manager's values. A service's address is that of its own user. */
function secretValue(secret: string, key: string, namespace: string): string {
  if (secret === 'feed-credentials') return ''
  if (secret === 'redis-credentials') return 'rediss://:none@127.0.0.1:1/0'
  if (secret === 'engine-keys') return SECRET_KEY
  if (key === 'owner-url') return ownerUrl(namespace)
  if (secret === 'database-setup') return passwordOf(key)
  const role = key === 'direct-url' ? 'migrator' : key.replace('-url', '').replaceAll('-', '_')
  if (!key.endsWith('-url')) return ''
  const url = new URL(ownerUrl(namespace))
  url.username = `${role}_user`
  url.password = passwordOf(url.username)
  return url.href
}

function passwordOf(user: string): string {
  const password = passwords.get(user) ?? randomBytes(18).toString('base64url')
  passwords.set(user, password)
  return password
}

/** The pod of a job, for `kubectl run --overrides`: under the name that run gives its container. */
function podOfJob(from: KubernetesApi, namespace: string, job: string, image: string): unknown {
  const spec = structuredClone(treeAt(from.find('jobs', namespace, job), 'spec', 'template', 'spec'))
  const container = listAt({ spec }, 'spec', 'containers')[0]
  return {
    ...spec,
    containers: [{ ...container, command: undefined, args: undefined, name: 'db-init', image }],
  }
}
