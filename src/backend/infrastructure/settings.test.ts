// Every environment gives the settings that there are, of the type they have, and the sizes that the guide has.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from '@cdktn/hcl2json'
import { describe, expect, test } from 'vitest'
import { ENVIRONMENTS, type EnvironmentName } from './maintenance_windows.ts'
import { type EnvironmentSettings, SETTINGS, type Setting } from './settings.ts'

type Values = Readonly<Record<string, unknown>>

async function valuesIn(path: string): Promise<Values> {
  return (await parse(path, readFileSync(join(import.meta.dirname, path), 'utf8'))) as Values
}

const valuesOf = (environment: EnvironmentName) => valuesIn(`environments/${environment}/terraform.tfvars`)

/** What is wrong with an environment's values. */
function faultsOf(values: Values): string[] {
  const settings = Object.entries<Setting>(SETTINGS)
  const unknown = Object.keys(values).filter((name) => !(name in SETTINGS))
  const missing = settings.filter(([name, about]) => about.default === undefined && !(name in values))
  const mistyped = settings.filter(([name, about]) => name in values && !isOf(about.type, values[name]))
  return [
    ...unknown.map((name) => `there is no setting ${name}`),
    ...missing.map(([name]) => `${name} is missing`),
    ...mistyped.map(([name, about]) => `${name} is not a ${about.type}`),
  ]
}

function isOf(type: Setting['type'], value: unknown): boolean {
  if (type === 'list(string)') return Array.isArray(value) && value.every((each) => typeof each === 'string')
  return typeof value === { string: 'string', number: 'number', bool: 'boolean' }[type]
}

describe.each(ENVIRONMENTS)('terraform.tfvars of %s', (environment) => {
  test('gives what there is to give, of the right type', async () => {
    expect(faultsOf(await valuesOf(environment))).toEqual([])
  })

  test('says what environment it is', async () => {
    expect(await valuesOf(environment)).toMatchObject({ environment })
  })

  test('is what the test of its plan has', async () => {
    const { variables } = (await valuesIn(`tests/${environment}.tftest.hcl`)) as { variables: Values[] }
    expect(variables[0]).toEqual(await valuesOf(environment))
  })

  test('has a state of its own', async () => {
    expect(await valuesIn(`environments/${environment}/backend.tfvars`)).toEqual({
      bucket: `borrow-rate-engine-${environment}-terraform-state`,
      key: 'borrow-rate-engine/terraform.tfstate',
      region: 'us-east-1',
      encrypt: true,
      use_lockfile: true,
    })
  })
})

test.each<[Values, string]>([
  [{ node_count_mim: 2 }, 'there is no setting node_count_mim'],
  [{}, 'node_count_min is missing'],
  [{ node_count_min: '2' }, 'node_count_min is not a number'],
  [{ node_instance_types: 'm5.large' }, 'node_instance_types is not a list(string)'],
])('%j is a fault: %s', (values, fault) => {
  expect(faultsOf(values)).toContain(fault)
})

test('every setting is described, and says what it refuses', () => {
  for (const [name, about] of Object.entries<Setting>(SETTINGS)) {
    expect(about.description, name).toMatch(/^[A-Za-z0-9'].*\.$/)
    for (const { condition, message } of about.validations ?? []) {
      expect(condition, name).toContain(`var.${name}`)
      expect(message, name).toMatch(/\.$/)
      expect(message, name).toContain(name)
    }
  }
})

// The table of the deployment guide.
const SIZES: Readonly<Record<EnvironmentName, Partial<EnvironmentSettings>>> = {
  dev: {
    node_count_min: 2,
    node_count_max: 5,
    database_instance_class: 'db.t3.medium',
    database_multi_az: false,
    database_replica_count: 0,
    cache_node_type: 'cache.t3.small',
    cache_cluster_mode_enabled: false,
    cache_replicas_per_shard: 0,
    nat_gateway_count: 1,
    backup_retention_days: 30,
  },
  staging: {
    node_count_min: 3,
    node_count_max: 10,
    database_instance_class: 'db.r5.large',
    database_multi_az: true,
    database_replica_count: 1,
    cache_node_type: 'cache.m5.large',
    cache_cluster_mode_enabled: false,
    cache_replicas_per_shard: 1,
    nat_gateway_count: 3,
    backup_retention_days: 30,
  },
  prod: {
    node_count_min: 3,
    node_count_max: 20,
    database_instance_class: 'db.r5.xlarge',
    database_multi_az: true,
    database_replica_count: 2,
    cache_node_type: 'cache.m5.xlarge',
    cache_cluster_mode_enabled: true,
    cache_shard_count: 3,
    cache_replicas_per_shard: 2,
    nat_gateway_count: 3,
    backup_retention_days: 30,
  },
}

test.each(ENVIRONMENTS)('%s has the sizes of the guide', async (environment) => {
  expect(await valuesOf(environment)).toMatchObject(SIZES[environment])
})
