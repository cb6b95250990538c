// A release as the deployment guide makes it, a canary beside it, and the door from the internet that leads to both.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SERVICE_NAMES } from '../../tools/local-cluster.ts'
import {
  BUILD_TIMEOUT_MS,
  buildEverything,
  built,
  canary,
  containersOf,
  type Deployment,
  deployments,
  ENVIRONMENTS,
  type ManifestObject,
  one,
  overlay,
  withoutKubectl,
  workloads,
} from './manifests.ts'
import { copied, edited } from './tree-copy.ts'

/** As the guide has it. */
const SED = `s|image: .*|image: \${ECR_REPO}/borrow-rate-engine:\${VERSION}|g`
const RELEASE = { ECR_REPO: '123456789012.dkr.ecr.us-east-1.amazonaws.com', VERSION: '9.8.7' }
const IMAGE = `${RELEASE.ECR_REPO}/borrow-rate-engine:${RELEASE.VERSION}`

const folder = mkdtempSync(join(tmpdir(), 'release-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The guide's line, typed in a folder of a copy. */
function released(inFolder: string): string {
  const copy = copied(join(folder, inFolder.replaceAll('/', '-')))
  execFileSync('sh', ['-c', `sed -i "${SED}" kustomization.yaml`], {
    cwd: join(copy, inFolder),
    env: { PATH: process.env.PATH ?? '', ...RELEASE },
  })
  return copy
}

const imagesOf = (objects: readonly ManifestObject[]) =>
  Object.fromEntries(
    workloads(objects).map(({ metadata, spec }) => [
      metadata.name,
      containersOf(spec.template.spec).map(({ image }) => image),
    ]),
  )

/** The objects with one image in place of every image. */
const withoutImages = (objects: readonly ManifestObject[]) =>
  JSON.parse(JSON.stringify(objects).replaceAll(/"image":"[^"]*"/g, '"image":""')) as unknown

describe.skipIf(withoutKubectl())('a release', () => {
  beforeAll(buildEverything, BUILD_TIMEOUT_MS)

  test.each(ENVIRONMENTS)(
    'in %s: the guide’s sed changes the image of the five services and nothing else',
    (environment) => {
      const path = `overlays/${environment}`
      const before = overlay(environment)
      const after = built(join(released(path), path))
      const images = imagesOf(after)
      const changed = Object.keys(images).filter((name) => images[name]![0] !== imagesOf(before)[name]![0])
      expect(changed.sort()).toEqual([...SERVICE_NAMES].sort())
      for (const name of SERVICE_NAMES) expect(images[name]).toEqual([IMAGE])
      expect(withoutImages(after)).toEqual(withoutImages(before))
    },
  )

  test(
    'of a canary: the same line in its own folder changes the canary alone, and a release leaves it as it is',
    () => {
      expect(imagesOf(built(join(released('canary'), 'canary')))).toEqual({ 'api-gateway-canary': [IMAGE] })
      const afterRelease = built(join(released('overlays/prod'), 'canary'))
      expect(afterRelease).toEqual(canary())
    },
    BUILD_TIMEOUT_MS,
  )

  test(
    'a canary is production’s gateway under another name',
    () => {
      const [gateway, another] = [
        one(overlay('prod'), 'Deployment', 'api-gateway'),
        one(canary(), 'Deployment', 'api-gateway-canary'),
      ].map((object) => JSON.parse(JSON.stringify(object)) as Deployment)
      const { labels } = another!.spec.template.metadata
      expect(labels).toMatchObject({
        app: 'api-gateway-canary',
        'app.kubernetes.io/name': 'api-gateway',
        'app.kubernetes.io/component': 'service',
      })
      const renamed = JSON.stringify(another)
        .replaceAll('api-gateway-canary', 'api-gateway')
        .replace('"app.kubernetes.io/component":"canary"', '"app.kubernetes.io/component":"service"')
      expect(JSON.parse(renamed)).toEqual(gateway)
      expect(deployments(canary())).toHaveLength(1)
      expect(
        canary()
          .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
          .filter((name) => !name.includes('configuration-'))
          .sort(),
      ).toEqual([
        'Deployment api-gateway-canary',
        'HorizontalPodAutoscaler api-gateway-canary-hpa',
        'PodDisruptionBudget api-gateway-canary-pdb',
      ])
    },
    BUILD_TIMEOUT_MS,
  )

  describe('the door', () => {
    interface Door {
      readonly rules: readonly { readonly backendRefs: readonly { name: string; port: number; weight?: number }[] }[]
    }
    const backends = (objects: readonly ManifestObject[]) =>
      (one(objects, 'HTTPRoute', 'api-gateway').spec as Door).rules.flatMap(({ backendRefs }) => backendRefs)

    test('leads to the gateway, and in production to two with weights that add up', () => {
      for (const environment of ['dev', 'staging'] as const) {
        expect(backends(overlay(environment))).toEqual([{ name: 'api-gateway', port: 8444 }])
      }
      expect(backends(overlay('prod'))).toEqual([
        { name: 'api-gateway-stable', port: 8444, weight: 100 },
        { name: 'api-gateway-canary', port: 8444, weight: 0 },
      ])
      expect(one(overlay('prod'), 'HTTPRoute', 'api-gateway').metadata.annotations).toEqual({
        'borrow-rate-engine/stable-service': 'api-gateway-stable',
      })
    })

    test.each(ENVIRONMENTS)(
      'in %s: TLS to it and TLS behind it, a firewall before it, a log of who came',
      (environment) => {
        const { spec } = one(
          overlay(environment),
          'LoadBalancerConfiguration',
          'borrow-rate-engine',
        ) as ManifestObject & {
          spec: {
            loadBalancerAttributes: { key: string; value: string }[]
            listenerConfigurations: unknown
            securityGroups: string[]
            wafV2: { webACL: string }
          }
        }
        const attributes = Object.fromEntries(spec.loadBalancerAttributes.map(({ key, value }) => [key, value]))
        expect(attributes).toMatchObject({
          'idle_timeout.timeout_seconds': '60',
          'routing.http.drop_invalid_header_fields.enabled': 'true',
          'deletion_protection.enabled': String(environment !== 'dev'),
          'access_logs.s3.enabled': 'true',
          'access_logs.s3.bucket': expect.stringMatching(
            new RegExp(`^borrow-rate-engine-${environment}-access-logs-\\d{12}$`),
          ),
        })
        expect(spec.listenerConfigurations).toEqual([
          { protocolPort: 'HTTPS:443', sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06' },
        ])
        expect(spec.securityGroups).toEqual([`borrow-rate-engine-${environment}-load-balancer`])
        expect(spec.wafV2.webACL).toMatch(new RegExp(`:regional/webacl/borrow-rate-engine-${environment}/`))

        const groups = overlay(environment).filter(({ kind }) => kind === 'TargetGroupConfiguration')
        const behind = backends(overlay(environment)).map(({ name }) => name)
        expect(groups.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(behind))
        for (const { spec: group } of groups) {
          expect(group).toMatchObject({
            defaultConfiguration: {
              targetType: 'ip',
              protocol: 'HTTPS',
              healthCheckConfig: { healthCheckPath: '/health', healthCheckProtocol: 'HTTPS' },
            },
          })
        }
        expect(one(overlay(environment), 'HTTPRoute', 'redirect-to-https').spec).toMatchObject({
          parentRefs: [{ sectionName: 'http' }],
          rules: [{ filters: [{ requestRedirect: { scheme: 'https', statusCode: 301 } }] }],
        })
      },
    )

    test('has a host name of its own in each environment', () => {
      const hosts = ENVIRONMENTS.map((environment) => {
        const { listeners } = one(overlay(environment), 'Gateway', 'borrow-rate-engine').spec as {
          listeners: { hostname: string }[]
        }
        expect(new Set(listeners.map(({ hostname }) => hostname)).size).toBe(1)
        return listeners[0]!.hostname
      })
      expect(hosts).toEqual([
        'dev.borrow-rate.example.com',
        'staging.borrow-rate.example.com',
        'borrow-rate.example.com',
      ])
    })
  })

  test('no word that stands for another is left', () => {
    for (const environment of ENVIRONMENTS) {
      const text = JSON.stringify([...overlay(environment), ...built(`cluster/${environment}`)])
      expect(
        text.match(
          /"(ENVIRONMENT|NAMESPACE|HOSTNAME|CLUSTER|REGISTRY|SECURITY_GROUP|WEB_ACL|ACCESS_LOGS)|[/.](ENVIRONMENT|NAMESPACE|CLUSTER)/g,
        ),
      ).toBeNull()
    }
  })

  test(
    'an overlay whose patch is meant for everybody is noticed: it would put a service into the pooler',
    () => {
      const copy = edited(join(folder, 'everybody'), 'overlays/dev/kustomization.yaml', (text) =>
        text.replaceAll('      labelSelector: app.kubernetes.io/component=service\n', ''),
      )
      const objects = built(join(copy, 'overlays/dev'))
      expect(withoutImages(objects)).not.toEqual(withoutImages(overlay('dev')))
      expect(imagesOf(objects).pgbouncer).toHaveLength(2)
    },
    BUILD_TIMEOUT_MS,
  )
})
