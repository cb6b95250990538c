// The commands about records against a socket that answers like the engine: what they ask, what a person reads, how they end.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { commandLine, failureText } from './commands.ts'

const AUDIT_ID = '0193577d-1c00-7000-8000-000000000001'
const RECORD = `{"audit_id":"${AUDIT_ID}","record_type":"quote","schema_version":1,"occurred_at":"2026-11-23T14:31:07.004512Z",
  "recorded_at":"2026-11-23T14:31:07.010000Z","client_id":"demo-classic","ticker":"GME","position_value":50000.00,
  "borrow_rate":0.17413500,"total_fee":776.40,"request_id":"r-1","actor_id":"k-1","sequence":12345}`
const PAGE = `{"status":"success","items":[${RECORD}],"total":10000,"total_is_exact":false,"page":2,"page_size":1,"pages":10000,
  "next_cursor":"AZNX"}`
const HEAD = '{"sequence":12345,"hash":"ab","signed_at":"2026-11-23T14:31:08.000Z","key_id":"0123456789abcdef"}'
const SOUND = `{"type":"progress","checked":5000,"of":12345}
{"type":"result","status":"success","valid":true,"checked":12345,"unsealed":3,"first_bad":null,"head":${HEAD}}
`
const BAD = `{"audit_id":"${AUDIT_ID}","sequence":7,"reason":"forged_head","sentence":"no trusted key signed the head"}`
const BROKEN = `{"type":"progress","checked":0,"of":null}
{"type":"result","status":"success","valid":false,"checked":6,"unsealed":0,"first_bad":${BAD},"head":null}
`
const REPLAYED = `{"type":"progress","checked":2,"of":null,"at":"2026-11-23T14:31:07.004512Z"}
{"type":"difference","audit_id":"${AUDIT_ID}","differences":[{"field":"total_fee","recorded":"776.40","replayed":"776.41"}]}
{"type":"not_replayable","audit_id":"${AUDIT_ID}","reason":"damaged","sentence":"the record has no inputs"}
{"type":"result","status":"success","replayed":2,"identical":1,"different":1,"not_replayable":1,"other_records":1,"unnamed":0}
`
const sums = (fees: string, margin: string) =>
  `{"total_fees":${fees},"borrow_cost":700.00,"markup":${margin},"transaction_fees":0.00,"margin":${margin}}`
const EFFECT = `"quotes":2,"changed":1,"before":${sums('740.00', '40.00')},"after":${sums('728.00', '28.00')},"delta":${sums('-12.00', '-12.00').replace('700.00', '0.00')}`
const WHAT_IF = `{"type":"progress","quotes":2,"at":"2026-11-23T14:31:07.004512Z"}
{"type":"result","status":"success","note":"A quote is not an executed borrow.","quotes_found":3,${EFFECT},"not_priced":[{"reason":"damaged","sentence":"the record is damaged","quotes":1}],"clients":1,"most_affected":[{"client_id":"demo-classic",${EFFECT}}],"others":null}
`
const HOLD = `{"hold_id":"0193577d-1c00-7000-8000-000000000002","client_id":"demo-classic","ticker":null,"from":null,
  "to":"2026-04-01T00:00:00.000Z","reason":"Dispute 114","placed_by":"k-1","placed_at":"2026-11-23T14:31:07.000Z","release":null}`

let server: Server
let folder: string
let asked: { what: string; key: string; accept: string; body: string }[] = []
let answers: Record<string, (response: ServerResponse) => void> = {}

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const what = `${request.method} ${request.url}`
    asked.push({ what, key: String(request.headers['x-api-key']), accept: String(request.headers.accept), body })
    const answer = answers[what.split('?')[0] ?? '']
    if (answer !== undefined) answer(response)
    else response.writeHead(404).end('{"status":"error","error":"There is nothing","error_code":"NOT_FOUND"}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  folder = mkdtempSync(join(tmpdir(), 'record-commands-'))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  writeFileSync(join(folder, 'engine.json'), JSON.stringify({ address }))
  const keys = ['broker', 'desk', 'auditor'].map((role) => ({
    name: role,
    role,
    clientId: role === 'broker' ? 'demo-classic' : 'house',
    apiKey: `${role}-key`,
  }))
  writeFileSync(join(folder, 'demo-keys.json'), JSON.stringify({ keys }))
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

beforeEach(() => {
  asked = []
  const text = (body: string) => (response: ServerResponse) => response.end(body)
  answers = {
    'GET /api/v1/audit': text(PAGE),
    'GET /api/v1/audit/verify': text(SOUND),
    [`POST /api/v1/audit/${AUDIT_ID}/replay`]: text(
      `{"status":"success","audit_id":"${AUDIT_ID}","identical":true,"differences":[],"not_replayable":null}`,
    ),
    'POST /api/v1/audit/replay': text(REPLAYED),
    'POST /api/v1/what-if': text(WHAT_IF),
    'GET /api/v1/audit/export': text('{"type":"header"}\n{"type":"trailer"}\n'),
    'GET /api/v1/legal-holds': text(
      `{"status":"success","items":[${HOLD}],"pagination":{"total":3,"skip":0,"limit":1,"has_more":true}}`,
    ),
    'POST /api/v1/legal-holds': text(`{"status":"success",${HOLD.slice(1)}`),
    'DELETE /api/v1/legal-holds/0193577d-1c00-7000-8000-000000000002': text(
      `{"status":"success",${HOLD.slice(1).replace('"release":null', '"release":{"reason":"Settled","released_by":"k-2","released_at":"2026-12-01T10:00:00.000Z"}')}`,
    ),
  }
})

interface Ran {
  readonly text: string
  readonly status: number
  /** What the bar was told: done and total. */
  readonly shown: (readonly [number, number | null])[]
}

async function run(...words: string[]): Promise<Ran> {
  const printed: string[] = []
  const shown: (readonly [number, number | null])[] = []
  let status = 0
  const program = commandLine({
    environment: {},
    dataDir: folder,
    print: (text) => printed.push(text),
    note: (text) => printed.push(`(${text})`),
    progress: () => ({ update: (done, total) => shown.push([done, total]), done: () => {} }),
    setExitStatus: (to) => {
      status = to
    },
    importFile: async () => {},
  })
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    printed.push(failureText(error))
    status = 1
  }
  return { text: printed.join('\n'), status, shown }
}

describe('a search', () => {
  test('asks with every filter, as an auditor', async () => {
    const words =
      'audit search --client demo-classic --ticker GME --type quote --from 2026-11-01 --to 2026-11-30 --min-value 50,000 --max-rate 0.5 --page 2 --page-size 1'
    await run(...words.split(' '))
    expect(asked).toMatchObject([{ key: 'auditor-key' }])
    expect(asked[0]?.what).toBe(
      'GET /api/v1/audit?from=2026-11-01&to=2026-11-30&client_id=demo-classic&ticker=GME&record_type=quote&min_position_value=50000&max_borrow_rate=0.5&page=2&page_size=1',
    )
  })

  test('is a table with exact amounts, and says how to go on', async () => {
    expect((await run('audit', 'search')).text).toBe(
      `Time                      Kind   Client        Ticker  Charged value  % a year  Total USD   Place  Audit id
23 Nov 2026 14:31:07 UTC  quote  demo-classic  GME         50,000.00   17.4135     776.40  12,345  ${AUDIT_ID}

More than 10,000 records, page 2 of 10000.
The next ones: the same with --cursor AZNX`,
    )
  })
})

describe('verify', () => {
  test('shows how far it is, and ends with what holds', async () => {
    expect(await run('verify')).toEqual({
      text: 'The chain holds: 12,345 records checked, 3 not sealed yet. Head 12,345 was signed 23 Nov 2026 14:31:08 UTC with key 0123456789abcdef.',
      status: 0,
      shown: [[5000, 12345]],
    })
    expect(asked).toMatchObject([{ what: 'GET /api/v1/audit/verify', accept: 'application/x-ndjson' }])
  })

  test('names the first bad record and ends with status 1', async () => {
    answers['GET /api/v1/audit/verify'] = (response) => response.end(BROKEN)
    expect(await run('verify', '--from', '2026-11-01')).toMatchObject({
      text: `The chain is broken at record ${AUDIT_ID} (place 7): forged head. No trusted key signed the head. 6 records before it are right.`,
      status: 1,
    })
    expect(asked[0]?.what).toBe('GET /api/v1/audit/verify?from=2026-11-01')
  })

  test('an answer that breaks off is no result', async () => {
    answers['GET /api/v1/audit/verify'] = (response) => {
      response.write('{"type":"progress","checked":1,"of":2}\n')
      setTimeout(() => response.destroy(), 20)
    }
    expect(await run('verify')).toMatchObject({ text: expect.stringContaining('broke off before its end'), status: 1 })
  })

  test('a failure on the way is in the words of the engine', async () => {
    answers['GET /api/v1/audit/verify'] = (response) =>
      response.end(
        '{"type":"progress","checked":1,"of":2}\n{"type":"error","status":"error","error":"Something is away","error_code":"SERVICE_UNAVAILABLE"}\n',
      )
    expect(await run('verify')).toMatchObject({ text: 'Something is away\n(SERVICE_UNAVAILABLE)', status: 1 })
  })

  test.each([
    [['--file', 'x'], 'Say both --file <export> and --public-key <pem>, or neither.'],
    [['--file', 'x', '--public-key', 'y', '--from', '2026-11-01'], 'A file is checked as a whole'],
    [['--file', '/nonexistent', '--public-key', 'y'], 'There is no file /nonexistent.'],
  ])('%s is said to be wrong', async (words, sentence) => {
    expect(await run('verify', ...words)).toMatchObject({ text: expect.stringContaining(sentence), status: 1 })
    expect(asked).toEqual([])
  })
})

describe('replay', () => {
  test('of one record', async () => {
    expect(await run('replay', AUDIT_ID)).toMatchObject({
      text: `Identical: record ${AUDIT_ID} gives the same price to the last digit.`,
      status: 0,
    })
    expect(asked).toMatchObject([{ what: `POST /api/v1/audit/${AUDIT_ID}/replay`, key: 'auditor-key' }])
  })

  test('of a range names what differs and ends with status 1', async () => {
    const { text, status } = await run(
      'replay',
      '--from',
      '2026-11-23',
      '--to',
      '2026-11-23',
      '--client',
      'demo-classic',
    )
    expect(asked).toMatchObject([
      { body: '{"from":"2026-11-23","to":"2026-11-23","client_id":"demo-classic"}', accept: 'application/x-ndjson' },
    ])
    expect(text).toBe(`Record ${AUDIT_ID}
Line       Recorded  Replayed
total_fee    776.40    776.41

Record ${AUDIT_ID}: The record has no inputs.

Not identical: 2 quotes priced again, 1 identical, 1 different, 1 not replayable. 1 other record holds no price.`)
    expect(status).toBe(1)
  })

  test.each([
    [['replay'], 'Say either an audit id or --from <time>'],
    [['replay', AUDIT_ID, '--from', '2026-11-23'], 'Say either an audit id or --from <time>'],
    [['replay', AUDIT_ID, '--model', 'desk-v1'], 'A what-if is asked of a range'],
    [['replay', '--from', '2026-11-23', '--csv', 'x.csv'], '--csv is the table of a what-if'],
    [['replay', '--from', '2026-11-23', '--terms', '/nonexistent.json'], 'There is no file /nonexistent.json.'],
  ])('%s is said to be wrong', async (words, sentence) => {
    expect(await run(...words)).toMatchObject({ text: expect.stringContaining(sentence), status: 1 })
    expect(asked).toEqual([])
  })
})

describe('what if', () => {
  test('a draft loses no digit on its way, and a model may be a name', async () => {
    const terms = join(folder, 'terms.json')
    writeFileSync(terms, '{"markup_percentage": 3.5000, "markup_tiers": null}')
    await run('replay', '--from', '2026-11-16', '--to', '2026-11-20', '--model', 'desk-v1', '--terms', terms)
    expect(asked).toMatchObject([
      {
        what: 'POST /api/v1/what-if',
        key: 'desk-key',
        body: '{"from":"2026-11-16","to":"2026-11-20","model":"desk-v1","terms":{"markup_percentage":"3.5000","markup_tiers":null}}',
      },
    ])
  })

  test('is a table of the whole and of who would feel it, and a file for a spreadsheet', async () => {
    const csv = join(folder, 'what-if.csv')
    const { text } = await run('replay', '--from', '2026-11-16', '--model', 'desk-v1', '--csv', csv)
    expect(text).toBe(`2 quotes of 1 client, 1 with another total.

USD               as it was  as drafted  change
Borrow cost          700.00      700.00    0.00
Markup                40.00       28.00  −12.00
Transaction fees       0.00        0.00    0.00
Total fees           740.00      728.00  −12.00
Margin                40.00       28.00  −12.00

Client        quotes  fees as they were  as drafted  change  change of margin
demo-classic       2             740.00      728.00  −12.00            −12.00

Not priced: 1 quote, the record is damaged.
A quote is not an executed borrow.
The table is in ${csv}.`)
    expect(readFileSync(csv, 'utf8').split('\r\n')[1]).toMatch(/^demo-classic,2,1,740\.00,728\.00,-12\.00,/)
  })

  test('a file that is there is left alone', async () => {
    const csv = join(folder, 'mine.csv')
    writeFileSync(csv, 'mine')
    expect((await run('replay', '--from', '2026-11-16', '--model', 'desk-v1', '--csv', csv)).text).toContain(
      'is there already',
    )
    expect(readFileSync(csv, 'utf8')).toBe('mine')
    expect(asked).toEqual([])
  })

  test('a draft that is no JSON is said to be none', async () => {
    const draft = join(folder, 'bad.json')
    writeFileSync(draft, '{"markup_percentage": }')
    expect((await run('replay', '--from', '2026-11-16', '--terms', draft)).text).toBe('bad.json is not JSON.')
  })
})

describe('export', () => {
  test('writes the file when it is whole', async () => {
    const out = join(folder, 'a.ndjson')
    const { text } = await run('export', '--from', '2026-11-01', '--to', '2026-11-30', '--out', out)
    expect(text).toBe(`2 lines (37 bytes) are in ${out}.`)
    expect(readFileSync(out, 'utf8')).toBe('{"type":"header"}\n{"type":"trailer"}\n')
    expect(asked[0]?.what).toBe('GET /api/v1/audit/export?from=2026-11-01&to=2026-11-30&format=ndjson')
  })

  test('leaves nothing behind when it breaks off', async () => {
    answers['GET /api/v1/audit/export'] = (response) => {
      response.write('{"type":"header"}\n')
      setTimeout(() => response.destroy(), 20)
    }
    const out = join(folder, 'b.ndjson')
    expect(await run('export', '--from', '2026-11-01', '--out', out)).toMatchObject({
      text: expect.stringContaining('broke off'),
      status: 1,
    })
    expect([existsSync(out), existsSync(`${out}.part`)]).toEqual([false, false])
  })

  test('overwrites nothing', async () => {
    const out = join(folder, 'there.ndjson')
    writeFileSync(out, '')
    expect((await run('export', '--from', '2026-11-01', '--out', out)).text).toContain('is there already')
    expect(asked).toEqual([])
  })
})

describe('holds', () => {
  test('are listed, those in force first of all', async () => {
    const { text } = await run('hold', 'list', '--limit', '1')
    expect(asked[0]?.what).toBe('GET /api/v1/legal-holds?in_force=true&limit=1')
    expect(text.split('\n').slice(1)).toEqual([
      '0193577d-1c00-7000-8000-000000000002  demo-classic  all     the first  1 Apr 2026 00:00:00 UTC  23 Nov 2026 14:31:07 UTC  in force  Dispute 114',
      '',
      '1 of 3 holds.',
    ])
    await run('hold', 'list', '--all')
    expect(asked[1]?.what).toBe('GET /api/v1/legal-holds')
  })

  test('are placed and released with a reason', async () => {
    await run('hold', 'place', '--client', 'demo-classic', '--to', '2026-03-31', '--reason', 'Dispute 114')
    expect(asked[0]).toMatchObject({ body: '{"to":"2026-03-31","client_id":"demo-classic","reason":"Dispute 114"}' })
    const id = '0193577d-1c00-7000-8000-000000000002'
    const { text } = await run('hold', 'release', id, '--reason', 'Settled & done')
    expect(asked[1]?.what).toBe(`DELETE /api/v1/legal-holds/${id}?reason=Settled+%26+done`)
    expect(text).toContain('released 1 Dec 2026 10:00:00 UTC')
  })
})

test.each([
  ['audit search', { items: [{ total_fee: '776.40', sequence: 12345 }] }],
  ['verify', { valid: true, checked: 12345 }],
  [`replay ${AUDIT_ID}`, { identical: true }],
  ['replay --from 2026-11-23', { different: 1, found: [{ type: 'difference' }, { type: 'not_replayable' }] }],
  ['replay --from 2026-11-23 --model desk-v1', { before: { total_fees: '740.00' } }],
  ['hold list', { items: [{ reason: 'Dispute 114' }] }],
])('%s --json is the answer, and nothing else', async (words, answer) => {
  expect(JSON.parse((await run(...words.split(' '), '--json')).text)).toMatchObject(answer)
})
