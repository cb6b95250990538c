import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLog, type Log } from './log.ts'
import { type LogLevels, logLevels } from './log-levels.ts'

let lines: Record<string, unknown>[]
let log: Log
let levels: LogLevels

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-24T15:00:00Z') })
  lines = []
  log = createLog({
    service: 'test',
    level: 'info',
    destination: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  })
  levels = logLevels(log, () => new Date())
})
afterEach(() => {
  levels.close()
  vi.useRealTimers()
})

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000)
const said = () => lines.map(({ message, level_now, by }) => [message, level_now, by].filter(Boolean).join(' '))

test('a level holds for its time and goes back by itself, for lines of requests too; both are said', () => {
  levels.set('debug', inMinutes(5), 'admin')
  log.child({ request_id: 'r' }).debug('now it is written')
  expect(levels.current()).toEqual({ level: 'debug', until: inMinutes(5) })
  vi.advanceTimersByTime(5 * 60_000 - 1)
  expect(levels.current().level).toBe('debug')
  vi.advanceTimersByTime(1)
  expect(levels.current()).toEqual({ level: 'info', until: null })
  log.debug('now it is not')
  expect(said()).toEqual([
    'the log level changes debug admin',
    'now it is written',
    'the log level is that of the settings again info time',
  ])
})

test('the last word counts', () => {
  levels.set('trace', inMinutes(1), 'one')
  levels.set('error', inMinutes(10), 'other')
  vi.advanceTimersByTime(60_000)
  expect(levels.current().level).toBe('error')
  levels.reset('other')
  levels.reset('other')
  expect(levels.current()).toEqual({ level: 'info', until: null })
  expect(said().filter((line) => line.includes('settings'))).toHaveLength(1)
})

test('a level whose time is over is none, and none holds longer than a day', () => {
  levels.set('debug', inMinutes(0), 'late')
  expect(levels.current()).toEqual({ level: 'info', until: null })
  levels.set('debug', inMinutes(100_000), 'long')
  vi.advanceTimersByTime(1_440 * 60_000)
  expect(levels.current().level).toBe('info')
})

test('a signal writes everything for ten minutes, a second one ends it', () => {
  levels.toggle('signal')
  expect(levels.current()).toEqual({ level: 'debug', until: inMinutes(10) })
  levels.toggle('signal')
  expect(levels.current().level).toBe('info')
  levels.toggle('signal')
  vi.advanceTimersByTime(10 * 60_000)
  expect(levels.current().level).toBe('info')
})
