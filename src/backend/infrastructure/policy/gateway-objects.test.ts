import { expect, test } from 'vitest'
import { objectsIn } from './gateway-objects.ts'

const BUILT = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: borrow-rate-engine
  namespace: borrow-rate-engine-dev
spec:
  listeners:
    - port: 443
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: api-gateway-config
---
`

test('of what kustomize prints, the objects of which the load balancer is made', () => {
  expect(objectsIn(BUILT)).toEqual([
    {
      address: 'Gateway borrow-rate-engine-dev/borrow-rate-engine',
      type: 'kubernetes.Gateway',
      name: 'borrow-rate-engine',
      values: expect.objectContaining({ spec: { listeners: [{ port: 443 }] } }),
      unknown: {},
      references: {},
    },
  ])
})

test('nothing of nothing', () => {
  expect(objectsIn('')).toEqual([])
})
