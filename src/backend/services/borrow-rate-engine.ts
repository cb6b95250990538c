#!/usr/bin/env node
// The one program: with the name of a service it runs that service, with anything else it is the command line.
const SERVICES: Readonly<Record<string, () => Promise<unknown>>> = {
  'api-gateway': () => import('./api-gateway.ts'),
  'calculation-service': () => import('./calculation.ts'),
  'data-service': () => import('./data.ts'),
  'cache-service': () => import('./cache.ts'),
  'audit-service': () => import('./audit.ts'),
  'all-in-one': () => import('./all-in-one.ts'),
  'traffic-split-controller': () => import('../tools/traffic-split/traffic-split-controller.ts'),
}

const named = process.argv[2] ?? ''
const start = Object.hasOwn(SERVICES, named) ? SERVICES[named] : undefined
await (start ?? (() => import('../scripts/borrow-rate-engine.ts')))()
