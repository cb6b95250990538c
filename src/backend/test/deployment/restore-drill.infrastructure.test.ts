// The monthly drill as its workflow runs it: the script itself, Amazon's own command line on an emulated RDS, the real kubectl on an API in
// memory. RDS restores nothing here, so a real PostgreSQL is restored from a real backup when the script asks for an instance, and stands
// under an address of its own on the port of its source, as RDS has it. What looks at it is the image's own program in the pod.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { seedReferenceData } from '../../database/seed.ts'
import { MIGRATOR_ROLE } from '../../database/service-users.ts'
import { localRecovery } from '../../tools/recovery/local.ts'
import type { Recovery } from '../../tools/recovery/recovery.ts'
import { debianPostgres, HOW_TO_GET_DEBIAN_POSTGRES, startArchivedPostgres } from '../archived-postgres.ts'
import { auditRow, insertRows } from '../audit-rows.ts'
import { type Authority, certificateAuthority, hasOpenssl } from '../certificates.ts'
import { asOwner, type RealPostgres, temporaryFolder } from '../postgres.ts'
import { PROJECT_ROOT } from '../tidy/tree.ts'
import { type EmulatedAws, startEmulatedAws, whyNoEmulatedAws } from './aws/emulated-aws.ts'
import type { ApiObject } from './kubernetes-api/api-object.ts'
import { engineImage } from './kubernetes-api/engine-image.ts'
import { type KubernetesApi, startKubernetesApi } from './kubernetes-api/kubernetes-api.ts'
import { withoutKubectl } from './manifests.ts'

const binariesFolder = debianPostgres()
const missing =
  whyNoEmulatedAws() ??
  (binariesFolder === null ? HOW_TO_GET_DEBIAN_POSTGRES : null) ??
  (hasOpenssl ? null : 'there is no openssl')
if (missing !== null) console.warn(`\nThe restore drill is not run: ${missing}\n`)

const ENV = 'staging'
const SOURCE = `borrow-rate-engine-${ENV}`
const DRILL = `${SOURCE}-drill`
/** Of the restored server. Its source is at 127.0.0.1. */
const RESTORED_HOST = '127.0.0.2'
const FIRST_TIME_MS = 1_200_000
const RUN_MS = 180_000

const TERRAFORMS_WORK = `
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)
SUBNET_A=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.1.0/24 --availability-zone us-east-1a --query Subnet.SubnetId --output text)
SUBNET_B=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.2.0/24 --availability-zone us-east-1b --query Subnet.SubnetId --output text)
GROUP=$(aws ec2 create-security-group --vpc-id $VPC --group-name database --description database --query GroupId --output text)
aws rds create-db-subnet-group --db-subnet-group-name data --db-subnet-group-description data --subnet-ids $SUBNET_A $SUBNET_B
aws rds create-db-parameter-group --db-parameter-group-name encrypted --db-parameter-group-family postgres15 --description parameters
aws rds create-db-instance --db-instance-identifier ${SOURCE} --db-instance-class db.r5.large --engine postgres --allocated-storage 100 \\
  --master-username engine_owner --master-user-password not-a-password --storage-encrypted \\
  --db-subnet-group-name data --vpc-security-group-ids $GROUP --db-parameter-group-name encrypted
`

describe.skipIf(withoutKubectl() || missing !== null)('the monthly restore drill', () => {
  let folder: string
  let primary: RealPostgres
  let recovery: Recovery
  let aws: EmulatedAws
  let authority: Authority
  let api: KubernetesApi
  let amazon: Server
  let restored: TcpServer | null = null
  const asked: string[] = []

  beforeAll(async () => {
    folder = temporaryFolder('restore-drill')
    const backups = join(folder, 'backups')
    primary = await startArchivedPostgres(binariesFolder as string, join(backups, 'wal'))
    await asOwner(primary.url, async (client) => {
      await seedReferenceData(client)
      await insertRows(client, [auditRow({ request_id: 'before the backup' })])
    })
    recovery = localRecovery({
      url: primary.url,
      standbyUrl: null,
      backupsFolder: backups,
      restoredFolder: join(folder, 'restored'),
      binariesFolder: binariesFolder as string,
      now: () => new Date(),
    })
    aws = await startEmulatedAws()
    expect(await aws.run(TERRAFORMS_WORK)).toMatchObject({ status: 0 })
    amazon = createServer(async (request, response) => {
      const [, what] = (request.url ?? '').split('/')
      asked.push(what ?? '')
      await (what === 'restore' ? restore() : remove()).then(
        () => response.end(),
        (error) => response.writeHead(500).end(String(error)),
      )
    })
    amazon.listen(0, '127.0.0.1')
    await once(amazon, 'listening')
    writeAws(join(folder, 'bin'), aws.bin, (amazon.address() as AddressInfo).port)
    authority = certificateAuthority()
    const image = engineImage(join(folder, 'image'), () => false)
    api = await startKubernetesApi({ imageOf: () => image, tls: authority.sign('kubernetes') })
    for (const object of clusterObjects(directUrl(primary))) api.put(object)
  }, FIRST_TIME_MS)

  afterAll(async () => {
    await remove().catch(() => {})
    amazon?.close()
    await api?.end()
    authority?.remove()
    await aws?.close()
    await primary?.end()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => asked.splice(0))

  /** What RDS does when it is asked for an instance from a snapshot. */
  async function restore(): Promise<void> {
    const { id } = (await recovery.newestBackup()) as { id: string }
    const { url } = await recovery.restore({ kind: 'backup', id }, 'drill')
    const port = Number(new URL(url as string).port)
    restored = createTcpServer((near) => {
      const far = connect(port, '127.0.0.1')
      for (const socket of [near, far]) socket.on('error', () => {})
      near.pipe(far).pipe(near)
    })
    restored.listen(primary.port, RESTORED_HOST)
    await once(restored, 'listening')
  }
  async function remove(): Promise<void> {
    restored?.close()
    if (restored !== null) await recovery.remove('drill')
    restored = null
  }

  async function drill(variables: Readonly<Record<string, string>> = {}) {
    const summary = join(folder, 'summary.md')
    writeFileSync(summary, '')
    const child = spawn(join(PROJECT_ROOT, '.github/scripts/restore_drill.sh'), {
      cwd: PROJECT_ROOT,
      env: {
        ...aws.environment,
        PATH: `${join(folder, 'bin')}:${aws.environment.PATH}`,
        KUBECONFIG: api.kubeconfig,
        GITHUB_STEP_SUMMARY: summary,
        ENV,
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes) => {
        said += bytes
      })
    const [status] = (await once(child, 'close')) as [number]
    return { status, said, summary: readFileSync(summary, 'utf8') }
  }
  /** Nothing is left: not in AWS, not on this machine, not in the cluster. */
  async function expectNothingLeft() {
    const left = await aws.run(`aws rds describe-db-instances --db-instance-identifier ${DRILL}`)
    expect(left.output).toContain('DBInstanceNotFound')
    expect(asked.at(-1)).toBe('remove')
    await expect.poll(() => api.find('pods', SOURCE, 'database-shell'), { timeout: 30_000 }).toBeNull()
  }

  test(
    'a snapshot comes back, is looked at as a whole and is removed; the summary has the times',
    async () => {
      await recovery.takeBackup()
      // Written after the backup: it is in the source alone.
      await asOwner(primary.url, (client) => insertRows(client, [auditRow({ request_id: 'after the backup' })]))
      const { status, said, summary } = await drill()
      expect(status, said).toBe(0)
      expect(said).toMatch(/^whole \(looked at in /m)
      expect(said).toMatch(/^ +1 {2}audit_records$/m)
      expect(said).toMatch(/^restored in \d+ s, looked at after \d+ s; the snapshot is of \d{4}-/m)
      expect(summary).toMatch(/^\| rds:\S+ \| \d{4}-\S+ \| \d+ s \| \d+ s \|$/m)
      expect(asked).toEqual(['restore', 'remove'])
      await expectNothingLeft()
    },
    RUN_MS,
  )

  test(
    'a restore that takes too long is a failure that says so, and nothing stays',
    async () => {
      const { status, said } = await drill({ RESTORE_SECONDS_MAX: '-1' })
      expect(said).toContain('The restore took longer than -1 s.')
      expect(status).toBe(1)
      await expectNothingLeft()
    },
    RUN_MS,
  )

  test(
    'a database that came back without what guards its records is not whole: the drill fails, and nothing stays',
    async () => {
      await asOwner(primary.url, (client) => client.query('drop trigger audit_records_append_only on audit_records'))
      await recovery.takeBackup()
      const { status, said, summary } = await drill()
      expect(said).toMatch(/^not whole: the structure lacks 1 of what the migrations made/m)
      expect(status).toBe(2)
      expect(summary).toBe('')
      await expectNothingLeft()
    },
    RUN_MS,
  )

  test(
    'without a snapshot nothing is asked for; where AWS does not answer, its own words stand',
    async () => {
      const none = await drill({ ENV: 'nowhere' })
      expect(none.status).not.toBe(0)
      expect(none.said).toMatch(/There is no snapshot of borrow-rate-engine-nowhere|DBInstanceNotFound/)
      const away = await drill({ AWS_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_MAX_ATTEMPTS: '1' })
      expect(away.status).not.toBe(0)
      expect(away.said).toContain('Could not connect to the endpoint URL')
      expect(away.said).not.toContain('There is no snapshot')
      expect(asked).toEqual([])
    },
    RUN_MS,
  )
})

/** Amazon's own, after which something is there or gone; only where the instance is found is said here. */
function writeAws(bin: string, real: string, port: number): void {
  mkdirSync(bin)
  const tell = (what: string) => `curl -sSf http://127.0.0.1:${port}/${what}`
  writeFileSync(
    join(bin, 'aws'),
    `#!/bin/sh
set -e
case "$*" in
  *"${DRILL} --query"*Endpoint.Address*) echo ${RESTORED_HOST} && exit ;;
esac
'${real}/aws' "$@"
case "$2" in
  restore-db-instance-from-db-snapshot) ${tell('restore')} >&2 ;;
  delete-db-instance) ${tell('remove')} >&2 ;;
esac
`,
  )
  chmodSync(join(bin, 'aws'), 0o755)
}

/** The address that is mounted in the pod. */
function directUrl(postgres: RealPostgres): string {
  return `${postgres.urlFor(MIGRATOR_ROLE)}?sslmode=disable`
}

/** What the drill finds in the cluster. */
function clusterObjects(url: string): ApiObject[] {
  const labels = { app: 'api-gateway' }
  const container = { name: 'service', image: '111111111111.dkr.ecr.us-east-1.amazonaws.com/borrow-rate-engine:1.2.3' }
  const metadata = (name: string) => ({ name, namespace: SOURCE })
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SOURCE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata('database-jobs') },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('rds-ca'), data: { 'rds-ca.pem': 'none' } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: metadata('database-credentials'),
      data: { 'direct-url': Buffer.from(url).toString('base64') },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: metadata('api-gateway'),
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    },
  ] as unknown as ApiObject[]
}
