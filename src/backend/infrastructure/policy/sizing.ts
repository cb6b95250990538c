// How large each environment is. The figures of the deployment guide, and nowhere else in these rules.
import type { EnvironmentName } from './planned-environment.ts'

export interface Size {
  readonly nodes: { readonly min: number; readonly max: number }
  readonly natGateways: { readonly min: number; readonly max: number }
  readonly databaseClass: string
  readonly databaseReplicas: number
  readonly databaseMultiAz: boolean
  readonly cacheClass: string
  readonly cacheShards: number
  readonly cacheReplicas: number
  readonly cacheClusterMode: boolean
}

export const SIZES: Readonly<Record<EnvironmentName, Size>> = {
  dev: {
    nodes: { min: 2, max: 5 },
    natGateways: { min: 1, max: 1 },
    databaseClass: 'db.t3.medium',
    databaseReplicas: 0,
    databaseMultiAz: false,
    cacheClass: 'cache.t3.small',
    cacheShards: 1,
    cacheReplicas: 0,
    cacheClusterMode: false,
  },
  staging: {
    nodes: { min: 3, max: 10 },
    natGateways: { min: 1, max: 3 },
    databaseClass: 'db.r5.large',
    databaseReplicas: 1,
    databaseMultiAz: true,
    cacheClass: 'cache.m5.large',
    cacheShards: 1,
    cacheReplicas: 1,
    cacheClusterMode: false,
  },
  prod: {
    nodes: { min: 3, max: 20 },
    natGateways: { min: 3, max: 3 },
    databaseClass: 'db.r5.xlarge',
    databaseReplicas: 2,
    databaseMultiAz: true,
    cacheClass: 'cache.m5.xlarge',
    cacheShards: 3,
    cacheReplicas: 2,
    cacheClusterMode: true,
  },
}
