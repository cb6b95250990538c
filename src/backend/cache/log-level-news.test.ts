import { expect, test } from 'vitest'
import { type LogLevelNews, onLogLevel, publishLogLevel } from './log-level-news.ts'
import { memoryStore } from './memory-store.ts'

const NOW = new Date('2026-11-24T15:00:00Z')
const UNTIL = new Date('2026-11-24T15:10:00Z')
const quiet = () => new Promise((resolve) => setTimeout(resolve, 5))

async function listening(service = 'data-service', store = memoryStore({ clock: () => NOW })) {
  const heard: LogLevelNews[] = []
  const stop = await onLogLevel(store, service, (news) => heard.push(news))
  await quiet()
  return { store, heard, stop }
}

test('reaches the service that it is for, and no other', async () => {
  const { store, heard } = await listening()
  const { heard: others } = await listening('cache-service', store)
  await publishLogLevel(store, 'data-service', { level: 'debug', until: UNTIL }, NOW)
  await publishLogLevel(store, 'data-service', { level: null, until: UNTIL }, NOW)
  await quiet()
  expect(heard).toEqual([
    { level: 'debug', until: UNTIL },
    { level: null, until: UNTIL },
  ])
  expect(others).toEqual([])
})

test('is found by a replica that starts meanwhile, and by none that starts later', async () => {
  let now = NOW
  const store = memoryStore({ clock: () => now })
  await publishLogLevel(store, 'data-service', { level: 'trace', until: UNTIL }, NOW)
  expect((await listening('data-service', store)).heard).toEqual([{ level: 'trace', until: UNTIL }])
  now = UNTIL
  expect((await listening('data-service', store)).heard).toEqual([])
})

test.each([
  'hello',
  'null',
  '{"level":"loud","until":1}',
  '{"level":"debug"}',
  `{"level":"debug","until":${'1'.repeat(300)}}`,
])('%s is none', async (message) => {
  const { store, heard } = await listening()
  await store.publish('log-level:data-service', message)
  await quiet()
  expect(heard).toEqual([])
})

test('nothing is heard any more once it is stopped', async () => {
  const { store, heard, stop } = await listening()
  await stop()
  await publishLogLevel(store, 'data-service', { level: 'debug', until: UNTIL }, NOW)
  await quiet()
  expect(heard).toEqual([])
})
