// What becomes of a line in a node's file under the sections that Fluent Bit is given, step by step: its built-in parser `cri`, the filters
// `kubernetes` and `grep`, and the output `loki`. The program itself is not to be had here; its steps are those of its manual.
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { monitoringFiles } from './files.ts'
import { type Section, sectionsOf } from './fluent-bit-sections.ts'

/** Built into Fluent Bit, for containerd and CRI-O. */
const CRI = /^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>[^ ]*) (?<log>.*)$/
/** How the filter `kubernetes` reads a pod from the name of its file. */
const FILE = /^(?<pod_name>[a-z0-9.-]+)_(?<namespace_name>[^_]+)_(?<container_name>.+)-[0-9a-f]{64}\.log$/

type Values = Record<string, unknown>

const { config } = parse(monitoringFiles().get('fluent-bit-values.yaml') ?? '')
const [input] = sectionsOf(config.inputs) as [Section]
const filters = sectionsOf(config.filters)
const [output] = sectionsOf(config.outputs) as [Section]

/** `$kubernetes['pod_name']` of a record. */
function accessed(record: Values, accessor: string): unknown {
  const [, outer = '', inner = ''] = /^\$(\w+)\['(\w+)'\]$/.exec(accessor) ?? []
  return (record[outer] as Values | undefined)?.[inner]
}

/** @returns null when the line is kept back */
function shipped(file: string, line: string): { labels: Values; line: string } | null {
  expect(input['multiline.parser']?.split(', ')).toContain('cri')
  const { log, ...read } = CRI.exec(line)?.groups ?? {}
  const record: Values = { ...read, log, kubernetes: { ...FILE.exec(file)?.groups } }
  for (const { Name, Regex = '', Merge_Log } of filters) {
    if (Name === 'kubernetes') expect(Merge_Log).toBe('Off')
    if (Name !== 'grep') continue
    const [accessor = '', pattern = ''] = Regex.split(' ')
    if (!new RegExp(pattern).test(String(accessed(record, accessor)))) return null
  }
  const labels = Object.fromEntries(
    (output.Labels ?? '').split(',').map((label) => {
      const [name = '', value = ''] = label.split('=')
      return [name, value.startsWith('$') ? accessed(record, value) : value]
    }),
  )
  const removed = (output.Remove_Keys ?? '').split(',')
  const left = Object.entries(record).filter(([key]) => !removed.includes(key))
  // `Drop_Single_Key raw`: of a record with one key its value is the line, as it is.
  expect([output.Drop_Single_Key, left.length]).toEqual(['raw', 1])
  return { labels, line: String(left[0]?.[1]) }
}

const ID = '0af7651916cd43dd8448eb211c80319c'
const WRITTEN = `{"level":"warn","time":1795982400000,"service":"data-service","trace_id":"${ID}","message":"the breaker of a feed changed"}`
const fileOf = (pod: string, namespace: string) => `${pod}_${namespace}_service-${'a1b2'.repeat(16)}.log`
const cri = (text: string) => `2026-11-29T20:41:36.123456789Z stdout F ${text}`

test('a line of a service reaches Loki as it was written, under its namespace and pod', () => {
  const pod = 'data-service-5d8f7c9b4-x2x7k'
  expect(shipped(fileOf(pod, 'borrow-rate-engine-prod'), cri(WRITTEN))).toEqual({
    labels: { job: 'fluentbit', namespace: 'borrow-rate-engine-prod', pod },
    line: WRITTEN,
  })
})

test.each(['kube-system', 'default', 'borrow-rate-engine-production'])(
  'a line of %s stays where it is',
  (namespace) => {
    expect(shipped(fileOf('a-1', namespace), cri(WRITTEN))).toBeNull()
  },
)
