// Components that no overlay has yet: whoever adds one gets what it promises and nothing else.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  BUILD_TIMEOUT_MS,
  buildEverything,
  built,
  cluster,
  ENVIRONMENTS,
  jobs,
  type ManifestObject,
  one,
  overlay,
  withoutKubectl,
} from './manifests.ts'
import { networkFaults } from './network-rules.ts'
import { edited } from './tree-copy.ts'

const folder = mkdtempSync(join(tmpdir(), 'components-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const nameOf = ({ kind, metadata }: ManifestObject) => `${kind} ${metadata.namespace}/${metadata.name}`

/** Names that are there with the component and without it alone. */
function difference(component: string): { added: string[]; removed: string[]; objects: readonly ManifestObject[] } {
  const copy = edited(join(folder, component), 'overlays/prod/kustomization.yaml', (text) =>
    text.replace('components:\n', `components:\n  - ../../components/${component}\n`),
  )
  const objects = built(join(copy, 'overlays/prod'))
  const [before, after] = [overlay('prod').map(nameOf), objects.map(nameOf)]
  return {
    added: after.filter((name) => !before.includes(name)),
    removed: before.filter((name) => !after.includes(name)),
    objects,
  }
}

describe.skipIf(withoutKubectl())('a component', () => {
  beforeAll(buildEverything, BUILD_TIMEOUT_MS)

  test(
    'keda: its object in place of the autoscaler, which it makes itself',
    () => {
      const { added, removed } = difference('keda')
      expect(added).toEqual(['ScaledObject borrow-rate-engine-prod/calculation-service'])
      expect(removed).toEqual(['HorizontalPodAutoscaler borrow-rate-engine-prod/calculation-service-hpa'])
    },
    BUILD_TIMEOUT_MS,
  )

  test(
    'feeds-by-ftp: one policy more, which keeps to the rules of all',
    () => {
      const { added, removed, objects } = difference('feeds-by-ftp')
      expect(added).toEqual(['NetworkPolicy borrow-rate-engine-prod/data-service-to-ftp-feeds'])
      expect(removed).toEqual([])
      expect(networkFaults([...objects, ...jobs()])).toEqual([])
    },
    BUILD_TIMEOUT_MS,
  )

  test.each(ENVIRONMENTS)('in %s: pods may run what the overlay runs, and images of nobody else', (environment) => {
    const policy = one(cluster(environment), 'ValidatingAdmissionPolicy', 'borrow-rate-engine-images').spec as {
      validations: { expression: string }[]
    }
    const [, allowed = ''] = /startsWith\('([^']+)'\)/.exec(policy.validations[0]!.expression) ?? []
    const images = [...JSON.stringify(overlay(environment)).matchAll(/"image":"([^"]+)"/g)].map(([, image]) => image!)
    expect(images.length).toBeGreaterThanOrEqual(6)
    expect(images.filter((image) => !image.startsWith(allowed))).toEqual([])
    const others = ENVIRONMENTS.filter((other) => other !== environment)
    for (const other of others) {
      expect(JSON.stringify(overlay(other))).not.toContain(allowed)
    }
  })
})
