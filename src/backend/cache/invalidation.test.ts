import { expect, test, vi } from 'vitest'
import { type InvalidationHandlers, onInvalidation, publishInvalidation } from './invalidation.ts'
import { memoryStore } from './memory-store.ts'

const quiet = () => new Promise((resolve) => setTimeout(resolve, 20))

function recorder() {
  const heard: string[] = []
  const handlers: InvalidationHandlers = {
    ticker: (keys) => heard.push(`tickers ${keys.join()}`),
    broker: (keys) => heard.push(`brokers ${keys.join()}`),
    model: (keys) => heard.push(`models ${keys.join()}`),
    all: () => heard.push('all'),
  }
  return { heard, handlers }
}

async function listening() {
  const store = memoryStore({ clock: () => new Date() })
  const { heard, handlers } = recorder()
  const listener = await onInvalidation(store, handlers)
  // Connected, it forgets everything once; only what comes after that is of interest.
  await vi.waitFor(() => expect(heard).toEqual(['all']))
  heard.splice(0)
  return { store, heard, listener }
}

test('everything is forgotten when the listener is connected', async () => {
  const store = memoryStore({ clock: () => new Date() })
  const { heard, handlers } = recorder()
  const listener = await onInvalidation(store, handlers)
  await quiet()
  expect(heard).toEqual(['all'])
  expect(listener.stats()).toEqual({ received: 0, malformed: 0, connections: 1 })
})

test('each kind of news reaches its handler, those of this process too', async () => {
  const { store, heard } = await listening()
  await publishInvalidation(store, { kind: 'ticker', keys: ['GME', 'AMC'] })
  await publishInvalidation(store, { kind: 'broker', keys: ['demo-classic'] })
  await publishInvalidation(store, { kind: 'model', keys: ['standard-v1'] })
  await publishInvalidation(store, { kind: 'ticker', keys: [] })
  await publishInvalidation(store, { kind: 'all' })
  await quiet()
  expect(heard).toEqual(['tickers GME,AMC', 'brokers demo-classic', 'models standard-v1', 'all'])
})

test('a universe of names arrives whole, in several messages', async () => {
  const { store, heard } = await listening()
  const keys = Array.from({ length: 1201 }, (_, index) => `T${index}`)
  await publishInvalidation(store, { kind: 'ticker', keys })
  await quiet()
  expect(heard).toHaveLength(3)
  expect(heard.flatMap((line) => line.slice('tickers '.length).split(','))).toEqual(keys)
})

test('what makes no sense is ignored and counted', async () => {
  const { store, heard, listener } = await listening()
  const malformed = [
    'hello',
    'null',
    '[]',
    '{"kind":"weather","keys":["x"]}',
    '{"kind":"constructor","keys":["x"]}',
    '{"kind":"ticker"}',
    '{"kind":"ticker","keys":"GME"}',
    '{"kind":"ticker","keys":["GME",7]}',
    '{"kind":"ticker","keys":[""]}',
    JSON.stringify({ kind: 'ticker', keys: ['x'.repeat(201)] }),
    JSON.stringify({ kind: 'ticker', keys: Array.from({ length: 501 }, () => 'x') }),
    `{"kind":"all","keys":[]}${' '.repeat(100_000)}`,
  ]
  for (const message of malformed) await store.publish('invalidation', message)
  await publishInvalidation(store, { kind: 'ticker', keys: ['GME'] })
  await quiet()
  expect(heard).toEqual(['tickers GME'])
  expect(listener.stats()).toMatchObject({ received: malformed.length + 1, malformed: malformed.length })
})

test('a closed listener hears nothing', async () => {
  const { store, heard, listener } = await listening()
  await listener.close()
  await publishInvalidation(store, { kind: 'all' })
  await quiet()
  expect(heard).toEqual([])
})
