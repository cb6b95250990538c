// The workflows that deploy, run: every step by bash, with the real command lines of AWS and Kubernetes, against an emulated AWS and an API in memory, in
// the accounts and with the rights that they have. Production once all the way, and once for each point where it can fail; staging green and red.
// What stands in for what is said in workflows/runner-machine.ts; GitHub itself, Slack and Prometheus are stand-ins too.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { SERVICES } from '../../gateway/operations.ts'
import { readWorkflow } from '../../infrastructure/workflows/workflow.ts'
import { ENGINE_VERSION } from '../../server/engine-version.ts'
import type { Controller } from '../../tools/traffic-split/controller.ts'
import { type Authority, certificateAuthority, hasOpenssl } from '../certificates.ts'
import { onPath } from '../debian-package.ts'
import { temporaryFolder } from '../postgres.ts'
import { type EmulatedAws, startEmulatedAws, whyNoEmulatedAws } from './aws/emulated-aws.ts'
import { startSplitController } from './canary-program.ts'
import { applyRoute, routeWeights } from './gateway-route.ts'
import { type OperatorShell, operatorShell } from './guide-kubectl.ts'
import { freePorts } from './image/ports.ts'
import { type ApiObject, listAt } from './kubernetes-api/api-object.ts'
import { type KubernetesApi, startKubernetesApi } from './kubernetes-api/kubernetes-api.ts'
import { makeSecrets } from './kubernetes-api/secret-makers.ts'
import { withoutKubectl } from './manifests.ts'
import { type PrometheusStandIn, startPrometheusStandIn } from './prometheus-stand-in.ts'
import { ACCOUNTS, type AccountName, type Accounts, makeAccounts, pushed } from './workflows/accounts.ts'
import { type Action, type JobRan, type RunOptions, runWorkflow } from './workflows/run-workflow.ts'
import { makeMachine, type RunnerMachine } from './workflows/runner-machine.ts'
import { startWorld, type World } from './workflows/world.ts'

const missing = [
  whyNoEmulatedAws(),
  ...(hasOpenssl ? [] : ['there is no openssl (apt-get install -y openssl)']),
  ...(onPath('curl') === null ? ['there is no curl (apt-get install -y curl)'] : []),
].filter((why) => why !== null)
if (missing.length > 0) console.warn(`\nThe workflows are not run: ${missing.join('; ')}\n`)

const FIRST = '0.1.0'
/** What the package says, and so what staging gets. */
const STAGED = ENGINE_VERSION
const SECOND = '1.3.0'
/** Of a content that staging never saw, in production's registry. */
const OTHER_CONTENT = '1.3.1'
const GOOD = '600 1 41'
const BAD = '600 60 41'
const ALL_STABLE = ['api-gateway-stable 100, api-gateway-canary 0']
/** On a machine that has other things to do the tools of AWS are made in many minutes, once. */
const FIRST_TIME_MS = 1_200_000
const RUN_MS = 300_000

let aws: EmulatedAws
let accounts: Accounts
let authority: Authority
let api: KubernetesApi
let controller: Controller
let prometheus: PrometheusStandIn
let world: World
let machine: RunnerMachine
let shell: OperatorShell
let folder: string
let tunnelPort: number
let runs = 0
/** What Prometheus has seen of each version, while the canary has so many per cent. */
let figures: (version: 'canary' | 'stable', percent: number) => string
let artifacts: string[] = []

const namespaceOf = (account: AccountName) => `borrow-rate-engine-${account}`
const imagesIn = (account: AccountName) =>
  SERVICES.map(
    (name) =>
      listAt(api.find('deployments', namespaceOf(account), name), 'spec', 'template', 'spec', 'containers')[0]?.image,
  )
const imageOf = (account: AccountName, version: string) =>
  `${ACCOUNTS[account]}.dkr.ecr.us-east-1.amazonaws.com/borrow-rate-engine:${version}`
const allOf = (account: AccountName, version: string) => SERVICES.map(() => imageOf(account, version))
const inContainers = (name: string) => join(folder, 'containers', name)

describe.skipIf(withoutKubectl() || missing.length > 0)('workflows', () => {
  beforeAll(async () => {
    folder = temporaryFolder('workflows')
    aws = await startEmulatedAws()
    accounts = await makeAccounts(aws)
    const endpoint = await accounts.typed(
      'prod',
      'aws eks describe-cluster --name borrow-rate-engine-prod --query cluster.endpoint --output text',
    )
    authority = certificateAuthority()
    const tls = authority.sign(new URL(endpoint).hostname)
    makeContainers()
    const image = {
      entrypoint: ['true'],
      environment: { PATH: `${inContainers('bin')}:${process.env.PATH ?? ''}` },
      workingDirectory: folder,
      portSettings: {},
      starts: () => false,
    }
    api = await startKubernetesApi({ tls, imageOf: () => image })
    shell = operatorShell(join(folder, 'shell'), api.kubeconfig)
    await applyRoute(shell)
    await typed('kubectl apply -k infrastructure/kubernetes/overlays/prod')
    makeSecrets({ api, authority, secretValue: () => 'none' }, namespaceOf('prod'))
    await typed(`kubectl apply -k infrastructure/kubernetes/cluster/staging
      sed -i 's|image: .*|image: ${imageOf('staging', 'before')}|' infrastructure/kubernetes/overlays/staging/kustomization.yaml
      kubectl apply -k infrastructure/kubernetes/overlays/staging`)
    makeSecrets({ api, authority, secretValue: () => 'none' }, namespaceOf('staging'))
    for (const account of ['prod', 'staging'] as const) {
      for (const service of SERVICES)
        await typed(`kubectl rollout status deployment/${service} -n ${namespaceOf(account)} --timeout=60s`)
    }
    controller = startSplitController(api)
    prometheus = await startPrometheusStandIn((version) => figures(version, percentNow()))
    world = await startWorld((environment) => String(imagesIn(environment as AccountName)[0]).split(':')[1] ?? '')
    const [port = 0] = await freePorts(1)
    tunnelPort = port
    const token = deployersToken()
    machine = makeMachine({
      folder: join(folder, 'machine'),
      aws: join(aws.bin, 'aws'),
      api: { port: api.port, caFile: tls.caFile, token },
    })

    await pushed(accounts, 'staging', [SECOND, OTHER_CONTENT])
    await pushed(accounts, 'prod', [SECOND])
    await pushed(accounts, 'prod', [OTHER_CONTENT], 'c')
    await accounts.typed(
      'staging',
      `for version in 1.2.9 ${SECOND} ${OTHER_CONTENT} 1.4.0-${'a'.repeat(7)}; do
         aws ssm put-parameter --name /borrow-rate-engine/staging/deployed-version --value $version --type String --overwrite >/dev/null
       done`,
    )
    await accounts.typed(
      'prod',
      `for name in prod production; do
         aws ssm put-parameter --name /borrow-rate-engine/$name/deployed-version --value ${FIRST} --type String >/dev/null
       done`,
    )
  }, FIRST_TIME_MS)

  afterAll(async () => {
    await controller?.close()
    await prometheus?.end()
    await world?.end()
    await api?.end()
    await aws?.close()
    authority?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  beforeEach(() => {
    figures = () => GOOD
    world.told.length = 0
    world.approvers = ['berta']
    world.isIll = false
    artifacts = []
    applies()
    writeFileSync(inContainers('downgrades'), '')
    writeFileSync(machine.npmLog, '')
  })

  describe('to production', () => {
    test(
      'what nobody else approved, or is no version, changes nothing; a command in an input is none',
      async () => {
        for (const [version, approvedBy, why] of [
          [SECOND, 'anna', 'approved by berta, and not by anna'],
          ['1.3', 'berta', 'is no version'],
          [`${SECOND}"; touch ${folder}/broken-in; echo "`, 'berta', 'is no version'],
          [SECOND, `berta$(touch ${folder}/broken-in)`, 'must be a login'],
        ] as const) {
          const jobs = await deploy(version, { approvedBy })
          expect(outcome(jobs)).toEqual({ failed: ['approval-check'], ran: ['notify'] })
          expect(said(jobs, 'approval-check')).toContain(why)
        }
        expect(existsSync(join(folder, 'broken-in'))).toBe(false)
        world.approvers = []
        expect(said(await deploy(SECOND), 'approval-check')).toContain('has no required reviewers')
        world.approvers = ['anna']
        expect(said(await deploy(SECOND, { approvedBy: 'anna' }), 'approval-check')).toContain('anna started this run')
        expect(imagesIn('prod')).toEqual(allOf('prod', FIRST))
        expect(messages()).toEqual([expect.stringContaining('❌')])
        expect(calls()).toEqual([])
      },
      RUN_MS,
    )

    test(
      'what staging has not passed with, and an image that is not staging’s, change nothing',
      async () => {
        const unknown = await deploy('1.4.0')
        expect(outcome(unknown)).toEqual({ failed: ['staging-check'], ran: ['approval-check', 'notify'] })
        expect(said(unknown, 'staging-check')).toContain('Staging has not passed with 1.4.0')

        const other = await deploy(OTHER_CONTENT)
        expect(outcome(other)).toEqual({
          failed: ['pre-deployment-validation'],
          ran: ['approval-check', 'staging-check', 'notify'],
        })
        expect(said(other, 'pre-deployment-validation')).toMatch(/is sha256:\w+, and staging ran sha256:/)
        expect(imagesIn('prod')).toEqual(allOf('prod', FIRST))
        expect(calls()).toEqual([])
      },
      RUN_MS,
    )

    test(
      'without a snapshot nothing goes on',
      async () => {
        await accounts.typed(
          'prod',
          `aws rds create-db-snapshot --db-instance-identifier borrow-rate-engine-prod --db-snapshot-identifier ${snapshotOf(runs + 1)}`,
        )
        const jobs = await deploy(SECOND)
        expect(outcome(jobs)).toEqual({
          failed: ['database-backup'],
          ran: ['approval-check', 'staging-check', 'pre-deployment-validation', 'notify'],
        })
        expect(said(jobs, 'database-backup')).toContain('DBSnapshotAlreadyExists')
        expect(readFileSync(machine.npmLog, 'utf8')).toBe(
          'npm test -- test/deployment\nnpm run test:infrastructure -- policy/ kubernetes/\n',
        )
        expect(imagesIn('prod')).toEqual(allOf('prod', FIRST))
      },
      RUN_MS,
    )

    test(
      'a canary that is bad at 30 % is withdrawn; the five services were never touched',
      async () => {
        figures = (version, percent) => (version === 'canary' && percent >= 30 ? BAD : GOOD)
        const before = revisions()
        const jobs = await deploy(SECOND)
        expect(outcome(jobs)).toEqual({
          failed: ['deploy-canary'],
          ran: [
            'approval-check',
            'staging-check',
            'pre-deployment-validation',
            'database-backup',
            'rollback',
            'notify',
          ],
        })
        expect(said(jobs, 'deploy-canary')).toMatch(/requests failed/)
        expect(said(jobs, 'rollback')).toContain('the run has undone all by itself')
        expect(artifacts).toEqual(['canary-report'])
        expect(revisions()).toEqual(before)
        await asBefore()
      },
      RUN_MS,
    )

    test(
      'a deployment whose cluster goes away before it is complete is rolled back when it is there again',
      async () => {
        const jobs = await deploy(SECOND, {
          before: async (job) => {
            if (job === 'deploy-full') await api.stop()
            if (job === 'rollback') await api.start()
          },
        })
        expect(outcome(jobs).failed).toEqual(['deploy-full'])
        expect(jobs.rollback?.result, said(jobs, 'rollback')).toBe('success')
        await asBefore()
      },
      RUN_MS,
    )

    test(
      'smoke tests that fail: migrations on which the version before does not start are taken back, then the release, and it is looked at again',
      async () => {
        applies('0098_wider_rates', '0099_narrow_rates_contract')
        const jobs = await deploy(SECOND, {
          before: (job) => {
            if (job === 'post-deployment-validation') world.isIll = true
            if (job === 'rollback') world.isIll = false
          },
        })
        expect(outcome(jobs).failed).toEqual(['post-deployment-validation'])
        expect(jobs.rollback?.result, said(jobs, 'rollback')).toBe('success')
        expect(readFileSync(inContainers('downgrades'), 'utf8')).toBe(
          `-m scripts.run_migrations --command downgrade --steps 2\n`,
        )
        expect(jobs.rollback?.steps.map(({ name }) => name).slice(-4)).toEqual([
          'Take back migrations on which the version before does not start',
          'Undo what this run changed',
          'Keep what production runs',
          'Verify that it works',
        ])
        expect(said(jobs, 'rollback')).toContain(`prod answers with ${FIRST}`)
        expect(calls()).toEqual([expect.stringContaining('failed; rollback success')])
        await asBefore()
      },
      RUN_MS,
    )

    test(
      'errors in the watch after it, and a run that is cancelled there, are rolled back too',
      async () => {
        const watched = await deploy(SECOND, {
          before: (job) => {
            if (job === 'post-deployment-monitoring') figures = () => BAD
          },
        })
        expect(outcome(watched).failed).toEqual(['post-deployment-monitoring'])
        expect(watched.rollback?.result, said(watched, 'rollback')).toBe('success')
        await asBefore()

        figures = () => GOOD
        const cancelled = await deploy(SECOND, { cancelledAfter: 'post-deployment-validation' })
        expect(cancelled['record-deployment']?.result).toBe('cancelled')
        expect(cancelled.rollback?.result, said(cancelled, 'rollback')).toBe('success')
        await asBefore()
      },
      RUN_MS,
    )

    test(
      'all the way: validated, snapshot, canary, all, validated, watched, kept, told',
      async () => {
        const jobs = await deploy(SECOND)
        const { rollback, ...others } = jobs
        expect(outcome(jobs).failed, JSON.stringify(jobs, null, 1)).toEqual([])
        expect(rollback?.result).toBe('skipped')
        expect(new Set(Object.values(others).map(({ result }) => result))).toEqual(new Set(['success']))
        expect(jobs['database-backup']?.outputs).toEqual({ 'previous-version': FIRST, snapshot: snapshotOf(runs) })
        expect(imagesIn('prod')).toEqual(allOf('prod', SECOND))
        expect(await deployedVersions()).toEqual([SECOND, SECOND])
        expect([...new Set(routeWeights(api))]).toEqual(ALL_STABLE)
        expect(api.find('deployments', namespaceOf('prod'), 'api-gateway-canary')).toBeNull()
        const snapshots = await accounts.typed(
          'prod',
          `aws rds describe-db-snapshots --db-snapshot-identifier ${snapshotOf(runs)} --query "DBSnapshots[0].Status" --output text`,
        )
        expect(snapshots).toBe('available')
        expect(messages()).toEqual([
          expect.stringMatching(
            new RegExp(
              `^✅ Production deployment of version ${SECOND} completed successfully. <https://github.test/example/borrow-rate-engine/actions/runs/${runs}\\|View details>$`,
            ),
          ),
        ])
        expect(calls()).toEqual([])
        const marks = world.told.filter(({ what }) => /pushgateway|grafana/.test(what))
        expect(marks.map(({ what }) => what)).toEqual([
          'PUT /pushgateway/metrics/job/deployment/environment/prod',
          'POST /grafana/api/annotations',
        ])
        expect(marks[0]?.body).toContain(`deployment_info{version="${SECOND}",status="succeeded"} 1`)
        expect(JSON.parse(marks[1]?.body ?? '')).toMatchObject({ tags: ['deployment', 'prod', 'succeeded'] })
      },
      RUN_MS,
    )

    test(
      'the same version again is refused, and what the run before did is left alone',
      async () => {
        const jobs = await deploy(SECOND)
        expect(outcome(jobs).failed).toEqual(['deploy-canary'])
        expect(said(jobs, 'rollback')).toContain('no run was begun')
        expect(imagesIn('prod')).toEqual(allOf('prod', SECOND))
      },
      RUN_MS,
    )

    test(
      'back by hand: to a version that ran there, and to no other',
      async () => {
        const back = (version: string) => {
          runs += 1
          const inputs = { environment: 'prod', version, migrations: '0', reason: 'prices "look" wrong' }
          return runWorkflow(readWorkflow('rollback.yml').workflow, options(inputs, {}))
        }
        expect(said(await back(OTHER_CONTENT), 'rollback')).toContain(`${OTHER_CONTENT} never ran in prod`)
        const jobs = await back(FIRST)
        expect(outcome(jobs).failed, said(jobs, 'rollback')).toEqual([])
        expect(imagesIn('prod')).toEqual(allOf('prod', FIRST))
        expect(await deployedVersions()).toEqual([FIRST, FIRST])
        expect(messages().at(-1)).toContain(`from version ${SECOND} to ${FIRST} by anna: success. prices "look" wrong`)
      },
      RUN_MS,
    )
  })

  describe('to staging', () => {
    const stage = (more: Partial<RunOptions> = {}) => {
      runs += 1
      return runWorkflow(readWorkflow('deploy-staging.yml').workflow, options({}, more))
    }

    test(
      'tests that fail bring back what ran before, and one issue',
      async () => {
        for (const _ of [1, 2]) {
          const jobs = await stage({
            before: (job) => {
              if (job === 'integration-tests') world.isIll = true
              if (job === 'rollback') world.isIll = false
            },
          })
          expect(outcome(jobs).failed).toEqual(['integration-tests'])
          expect(jobs.rollback?.result, said(jobs, 'rollback')).toBe('success')
          expect(imagesIn('staging')).toEqual(allOf('staging', 'before'))
        }
        expect(world.issues).toEqual([
          expect.objectContaining({ title: 'Staging does not pass', labels: ['bug', 'staging-failed'], comments: 1 }),
        ])
      },
      RUN_MS,
    )

    test(
      'a commit that says a version for the first time becomes it, and staging passes with it',
      async () => {
        const jobs = await stage()
        expect(outcome(jobs).failed, said(jobs, 'deploy-to-staging')).toEqual([])
        expect(imagesIn('staging')).toEqual(allOf('staging', STAGED))
        const tags = await accounts.typed(
          'staging',
          `aws ecr describe-images --repository-name borrow-rate-engine --image-ids imageTag=${STAGED} --query "imageDetails[0].imageTags" --output text`,
        )
        expect(tags.split(/\s+/).sort()).toEqual([STAGED, SHA].sort())
        const passed = await accounts.typed(
          'staging',
          'aws ssm get-parameter --name /borrow-rate-engine/staging/deployed-version --query Parameter.Value --output text',
        )
        expect(passed).toBe(STAGED)
      },
      RUN_MS,
    )
  })

  // ---- what the tests are made of

  const SHA = 'd'.repeat(40)

  function deploy(version: string, more: Partial<RunOptions> & { approvedBy?: string } = {}) {
    const { approvedBy = 'berta', ...others } = more
    runs += 1
    world.told.length = 0
    const { workflow } = readWorkflow('deploy-prod.yml')
    return runWorkflow(workflow, options({ version, approved_by: approvedBy }, others))
  }

  function options(inputs: Readonly<Record<string, string>>, more: Partial<RunOptions>): RunOptions {
    const home = join(folder, 'homes', String(runs))
    mkdirSync(home, { recursive: true })
    const varsOf = (account: AccountName) => ({
      AWS_ACCOUNT_ID: ACCOUNTS[account],
      BASE_URL: `${world.url}/engine/${account}`,
      PROMETHEUS_URL: prometheus.url,
      CANARY_STAGE_MINUTES: '0.01',
      CANARY_WAIT_MINUTES: '0.02',
      CANARY_LOOK_SECONDS: '0.1',
      WATCH_MINUTES: '0.01',
      PUSHGATEWAY_URL: `${world.url}/pushgateway`,
      GRAFANA_URL: `${world.url}/grafana`,
      ON_CALL_EVENTS_URL: `${world.url}/on-call`,
    })
    const secrets = {
      BORROW_RATE_API_KEY: 'a key',
      BORROW_RATE_AUDITOR_KEY: 'another key',
      SLACK_BOT_TOKEN: 'a token',
      SLACK_PROD_CHANNEL_ID: 'C1',
      ON_CALL_ROUTING_KEY: 'a routing key',
      GRAFANA_TOKEN: 'a token',
    }
    return {
      folder: join(folder, 'runs', String(runs)),
      event: {
        github: {
          actor: 'anna',
          repository: 'example/borrow-rate-engine',
          run_id: String(runs),
          server_url: 'https://github.test',
          sha: SHA,
          token: 'a token of GitHub',
        },
        inputs,
      },
      environments: {
        'production-approval': { vars: {}, secrets: {} },
        production: { vars: varsOf('prod'), secrets },
        staging: { vars: varsOf('staging'), secrets },
      },
      actions: actions(),
      variables: {
        ...aws.environment,
        PATH: `${machine.bin}:${aws.bin}:${process.env.PATH ?? ''}`,
        HOME: home,
        // Whoever has no role may do nothing.
        AWS_ACCESS_KEY_ID: '',
        AWS_SECRET_ACCESS_KEY: '',
        GITHUB_API_URL: `${world.url}/github`,
        CLUSTER_TUNNEL_PORT: String(tunnelPort),
        NPM_CONFIG_UPDATE_NOTIFIER: 'false',
        SCAN_TRIES: '2',
        SCAN_WAIT_SECONDS: '1',
        ROLLOUT_TIMEOUT: '60s',
        MIGRATION_TIMEOUT: '60s',
      },
      ...more,
    }
  }

  function actions(): Record<string, Action> {
    const nothing: Action = async () => ({})
    const accountOf = (environment: string | undefined): AccountName =>
      environment === 'production' ? 'prod' : 'staging'
    return {
      'actions/setup-node': nothing,
      'docker/setup-buildx-action': nothing,
      'hashicorp/setup-terraform': nothing,
      'actions/checkout': async ({ inputs, workspace }) => {
        machine.checkOut(join(workspace, inputs.path ?? '.'))
        return {}
      },
      'actions/upload-artifact': async ({ inputs, workspace }) => {
        if (existsSync(join(workspace, inputs.path ?? ''))) artifacts.push(inputs.name ?? '')
        return {}
      },
      // The role trusts one environment of GitHub's.
      'aws-actions/configure-aws-credentials': async ({ inputs, environment }) => {
        const role = inputs['role-to-assume'] ?? ''
        if (!role.includes(`-${accountOf(environment)}-`)) throw new Error(`${environment} may not take ${role}`)
        return { env: await accounts.credentials(role) }
      },
      'aws-actions/amazon-ecr-login': async ({ environment }) => ({
        outputs: { registry: `${ACCOUNTS[accountOf(environment)]}.dkr.ecr.us-east-1.amazonaws.com` },
      }),
      'docker/build-push-action': async ({ inputs, environment }) => {
        const names = (inputs.tags ?? '').split('\n').map((name) => name.split('/')[1] ?? '')
        const [repository = ''] = (names[0] ?? '').split(':')
        const tags = names.map((name) => name.split(':')[1] ?? '')
        await pushed(accounts, accountOf(environment), tags, 'b', repository)
        return {}
      },
      'slackapi/slack-github-action': async ({ inputs }) => {
        if (!inputs.token) throw new Error('there is no token')
        const body = JSON.stringify(JSON.parse(inputs.payload ?? ''))
        await fetch(`${world.url}/slack/${inputs.method}`, { method: 'POST', body })
        return {}
      },
    }
  }

  /** A token of a user with what the manifests give to the group that the deploy role is in. */
  function deployersToken(): string {
    const subjects = [{ kind: 'ServiceAccount', name: 'pipeline', namespace: namespaceOf('prod') }]
    const apiGroup = 'rbac.authorization.k8s.io'
    for (const account of ['prod', 'staging'] as const) {
      for (const name of ['viewer', 'deployer']) {
        api.put({
          apiVersion: `${apiGroup}/v1`,
          kind: 'RoleBinding',
          metadata: { name: `pipeline-${name}`, namespace: namespaceOf(account) },
          roleRef: { apiGroup, kind: 'Role', name },
          subjects,
        } as ApiObject)
      }
    }
    api.put({
      apiVersion: `${apiGroup}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'pipeline' },
      roleRef: { apiGroup, kind: 'ClusterRole', name: 'borrow-rate-engine-cluster-viewer' },
      subjects,
    } as ApiObject)
    return readFileSync(join(api.serviceAccount(namespaceOf('prod'), 'pipeline').folder, 'token'), 'utf8')
  }

  /** What runs in pods: migrations that say what they did, and a service that reaches its feeds. */
  function makeContainers(): void {
    mkdirSync(inContainers('bin'), { recursive: true })
    const program = (name: string, text: string) =>
      writeFileSync(inContainers(`bin/${name}`), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
    program('curl', `echo '{"status":"ok"}'`)
    program(
      'python',
      `case "$*" in
         *downgrade*) echo "$*" >>'${inContainers('downgrades')}' ;;
         *) cat '${inContainers('migrations')}'; echo 'verified: every migration is applied as its file says' ;;
       esac`,
    )
  }

  function applies(...migrations: string[]): void {
    writeFileSync(inContainers('migrations'), migrations.map((name) => `applied ${name}\n`).join(''))
  }

  async function typed(command: string): Promise<void> {
    const { status, stdout, stderr } = await shell.type(command)
    if (status !== 0) throw new Error(`${stdout}${stderr}`)
  }

  const percentNow = () => Number(/canary (\d+)/.exec(routeWeights(api)[0] ?? '')?.[1] ?? 0)
  const snapshotOf = (run: number) => `borrow-rate-engine-prod-before-${SECOND.replaceAll('.', '-')}-${run}-1`
  const revisions = () =>
    SERVICES.map(
      (name) =>
        api.find('deployments', namespaceOf('prod'), name)?.metadata.annotations?.['deployment.kubernetes.io/revision'],
    )

  /** Nothing of it is left: not in the cluster, and not in what is said to run. */
  async function asBefore(): Promise<void> {
    expect(imagesIn('prod')).toEqual(allOf('prod', FIRST))
    expect([...new Set(routeWeights(api))]).toEqual(ALL_STABLE)
    expect(api.find('deployments', namespaceOf('prod'), 'api-gateway-canary')).toBeNull()
    expect(api.find('trafficsplits', namespaceOf('prod'), 'api-gateway-split')).toBeNull()
    expect(await deployedVersions()).toEqual([FIRST, FIRST])
    expect(messages()).toEqual([
      expect.stringMatching(/^❌ Production deployment of version 1\.3\.0 failed \(rollback: success;/),
    ])
    expect(calls()).toHaveLength(1)
  }

  const deployedVersions = async () =>
    (
      await accounts.typed(
        'prod',
        `for name in prod production; do aws ssm get-parameter --name /borrow-rate-engine/$name/deployed-version --query Parameter.Value --output text; done`,
      )
    ).split('\n')

  const messages = () =>
    world.told
      .filter(({ what }) => what === 'POST /slack/chat.postMessage')
      .map(({ body }) => (JSON.parse(body) as { text: string }).text)
  const calls = () =>
    world.told
      .filter(({ what }) => what === 'POST /on-call')
      .map(({ body }) => (JSON.parse(body) as { payload: { summary: string } }).payload.summary)
})

function outcome(jobs: Readonly<Record<string, JobRan>>) {
  const named = (result: string) => Object.keys(jobs).filter((name) => jobs[name]?.result === result)
  if (process.env.SHOW_WORKFLOWS) for (const name of named('failure')) console.log(`${name}\n${said(jobs, name)}`)
  return { failed: named('failure'), ran: named('success') }
}

/** What its steps printed. */
function said(jobs: Readonly<Record<string, JobRan>>, job: string): string {
  return (jobs[job]?.steps ?? []).map(({ name, result, output }) => `${name}: ${result}\n${output}`).join('\n')
}
