// Bodies that are no JSON, or JSON that nobody should send: each is refused in the one shape, and none is repeated.
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { expectFailure, expectOrdinaryHeaders, expectQuietLog } from './answers.ts'
import { type Deployment, sleep, startDeployment } from './deployment.ts'
import { type Answer, ask, exchange, openSocket } from './http.ts'

const QUOTE = '/api/v1/calculate-locate'
const MARK = 'GARBAGE7f3a'
let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment()
})

const sound = { ticker: 'GME', position_value: 1000, loan_days: 30, client_id: 'demo-classic' }
const soundText = JSON.stringify(sound)
const post = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(deployed, { path: QUOTE, key: deployed.keys.desk, body, headers })
/** The sound request with a member in front of it, as JSON text. */
const withMember = (member: string) => `{${member},${soundText.slice(1)}`
const inside = (value: string) => withMember(`"${MARK}":${value}`)

const NOT_JSON: readonly [string, string | Buffer][] = [
  ['nothing', ''],
  ['blanks', ' \n\t '],
  ['a word', MARK],
  ['markup', `<quote>${MARK}</quote>`],
  ['half an object', soundText.slice(0, -1)],
  ['an object and more', `${soundText} ${MARK}`],
  ['two objects', soundText + soundText],
  ['single quotes', `{'ticker':'${MARK}'}`],
  ['names without quotes', `{ticker:"${MARK}"}`],
  ['a comma too many', `{"a":"${MARK}",}`],
  ['a comment', `{/* ${MARK} */}`],
  ['NaN', inside('NaN')],
  ['Infinity', inside('Infinity')],
  ['-Infinity', inside('-Infinity')],
  ['undefined', inside('undefined')],
  ['a leading zero', inside('01')],
  ['a plus sign', inside('+1')],
  ['a point without digits', inside('1.')],
  ['a point in front', inside('.1')],
  ['an exponent without digits', inside('1e')],
  ['hexadecimal', inside('0x10')],
  ['a bare minus', inside('-')],
  ['a control character in a string', inside('"a\u0001b"')],
  ['a line break in a string', inside('"a\nb"')],
  ['an escape that does not exist', inside('"\\x41"')],
  ['half an escape', inside('"\\u00"')],
  ['U+0000', inside('"a\\u0000b"')],
  ['U+0000 in a name', withMember('"\\u0000":1')],
  ['a raw NUL', Buffer.from(inside('"a\u0000b"'))],
  ['half a surrogate pair', inside('"\\ud800"')],
  ['the other half', inside('"\\udc00"')],
  ['halves in the wrong order', inside('"\\udc00\\ud800"')],
  ['a name of half a pair', withMember('"\\ud800":1')],
  ['bad UTF-8', Buffer.concat([Buffer.from('{"ticker":"'), Buffer.from([0xff, 0xfe, 0x41]), Buffer.from('"}')])],
  ['an overlong form', Buffer.concat([Buffer.from('{"ticker":"'), Buffer.from([0xc0, 0x80]), Buffer.from('"}')])],
  ['a surrogate in UTF-8', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')])],
  ['a cut character at the end', Buffer.concat([Buffer.from(soundText), Buffer.from([0xe2, 0x82])])],
  ['a byte order mark', `\ufeff${soundText}`],
  ['UTF-16', Buffer.from(soundText, 'utf16le')],
  ['the same name twice', withMember(`"ticker":"${MARK}"`)],
  ['the same name twice, once by escapes', withMember('"\\u0074icker":"A"')],
  ['the same name twice, deep inside', inside('{"a":[{"b":1,"b":2}]}')],
  ['__proto__ twice', withMember('"__proto__":1,"__proto__":2')],
  ['33 arrays', inside('['.repeat(33) + ']'.repeat(33))],
  ['100 000 arrays', '['.repeat(100_000)],
  ['100 000 objects', '{"a":'.repeat(100_000)],
]

const NOT_AN_OBJECT = ['null', 'true', '1', '"x"', '[]', `[${soundText}]`, '1e400']

describe('a body', () => {
  test.each(NOT_JSON)('of %s is 400, says where, and is not repeated', async (_, body) => {
    const answer = await post(body)
    expectFailure(answer, 'INVALID_PARAMETER', [MARK])
    expectOrdinaryHeaders(answer.headers)
    expect(answer.json.validation_errors[0]).toMatchObject({ field: 'body', location: 'body' })
  })

  test.each(NOT_AN_OBJECT)('that is %s is 400: an object is wanted', async (body) => {
    const answer = await post(body)
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors[0]).toMatchObject({ field: 'body', location: 'body' })
  })

  test('may be nested to the limit, hold any sound character and any exact number beside the fields', async () => {
    for (const value of [
      '['.repeat(31) + ']'.repeat(31),
      '"\\ud83d\\ude00 😀 \\u00e9 \\/ \\b"',
      '[-0, 1e400, 123456789012345678901234567890.123]',
      '""',
    ]) {
      expect((await post(withMember(`"note":${value}`))).status).toBe(200)
    }
  })
})

describe('a media type', () => {
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset=UTF-8',
    'application/json; charset="utf-8"',
  ])('%s is read', async (type) => {
    expect((await post(soundText, { 'content-type': type })).status).toBe(200)
  })

  test.each([
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/jsonp',
    'application/json; charset=iso-8859-1',
    'application/json; charset=utf-16',
    'application/octet-stream',
    'json',
    `application/${MARK}`,
    ';;;',
    'application/json, text/plain',
  ])('%s is 415 and says what is read', async (type) => {
    const answer = await post(soundText, { 'content-type': type })
    expectFailure(answer, 'UNSUPPORTED_MEDIA_TYPE', [MARK])
    expect(answer.json.error).toContain('application/json')
  })

  test.each(['gzip', 'br', 'deflate', 'identity, gzip'])(
    'a body packed with %s is 415, not unpacked',
    async (encoding) => {
      expectFailure(await post(gzipSync(soundText), { 'content-encoding': encoding }), 'UNSUPPORTED_MEDIA_TYPE')
    },
  )
})

describe('a large body', () => {
  const LIMIT = 1_048_576

  test('is read to the last byte of the limit, and not one further', async () => {
    expect((await post(soundText.padEnd(LIMIT))).status).toBe(200)
    expectFailure(await post(soundText.padEnd(LIMIT + 1)), 'PAYLOAD_TOO_LARGE')
  })

  test('of 10 MB is refused by its length before any of it was sent', async () => {
    const head = [
      `POST ${QUOTE} HTTP/1.1`,
      'Host: engine',
      `X-API-Key: ${deployed.keys.desk}`,
      'Content-Type: application/json',
      'Content-Length: 10000000',
    ]
    const [answer] = await exchange(deployed, [`${head.join('\r\n')}\r\n\r\n`])
    expectFailure({ status: answer?.status ?? 0, text: answer?.body ?? '' }, 'PAYLOAD_TOO_LARGE')
  })

  test('without a length is refused once it is too long: most of 50 MB is never taken', async () => {
    const socket = await openSocket(deployed)
    let received = ''
    let closed = false
    socket.on('data', (part) => {
      received += part
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      closed = true
    })
    const head = [
      `POST ${QUOTE} HTTP/1.1`,
      'Host: engine',
      `X-API-Key: ${deployed.keys.desk}`,
      'Content-Type: application/json',
      'Transfer-Encoding: chunked',
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    const before = deployed.memoryBytes()
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, ' '), Buffer.from('\r\n')])
    let sent = 0
    while (!closed && sent < 50_000_000) {
      // Waits for room, and a moment, so that an answer can be seen.
      if (!socket.write(chunk))
        await new Promise<void>((go) => {
          socket.once('drain', go)
          socket.once('close', () => go())
        })
      sent += 65_536
      await sleep(0)
    }
    socket.destroy()
    expect(received).toMatch(/^HTTP\/1\.1 413 /)
    expect(received).toContain('PAYLOAD_TOO_LARGE')
    expect(sent).toBeLessThan(20_000_000)
    const after = deployed.memoryBytes()
    if (before !== null && after !== null) expect(after - before).toBeLessThan(60_000_000)
  })

  test('twenty of 10 MB at once leave the others served', async () => {
    const big = Buffer.alloc(10_000_000, ' ')
    const before = deployed.memoryBytes()
    const bigOnes = Array.from({ length: 20 }, () =>
      post(big).then(
        ({ status }) => status,
        () => 413, // the connection was closed on what nobody reads
      ),
    )
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(soundText)))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(new Set(await Promise.all(bigOnes))).toEqual(new Set([413]))
    const after = deployed.memoryBytes()
    if (before !== null && after !== null) expect(after - before).toBeLessThan(100_000_000)
  })
})

// The last: about everything above.
test('of all this the log holds a line a request, no stack, no secret and nothing that was sent', () => {
  expectQuietLog(deployed, [MARK])
})
