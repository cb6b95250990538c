import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JSON_DEPTH_MAX, JSON_VALUES_MAX, type JsonValue, NumberToken, readJson } from './json-reader.ts'
import { Problem } from './problem.ts'

/** Names that an object has without holding them. */
function inherited(value: object): string[] {
  const prototype: object | null = Object.getPrototypeOf(value)
  return prototype === null ? [] : [...Object.getOwnPropertyNames(prototype), ...inherited(prototype)]
}

function refusalOf(text: string): string {
  try {
    readJson(text)
  } catch (error) {
    expect(error).toBeInstanceOf(Problem)
    expect((error as Problem).code).toBe('INVALID_PARAMETER')
    return (error as Problem).message
  }
  throw new Error('the text was read')
}

/** The same value as the platform's parser makes it, to compare with. */
function plain(value: JsonValue): unknown {
  if (value instanceof NumberToken) return Number(value.text)
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  const object = Object.create(null)
  for (const key of Object.keys(value)) object[key] = plain(value[key] as JsonValue)
  return object
}

const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

describe('what is read', () => {
  test('number tokens keep their text', () => {
    const value = readJson('[1e2, 100.100, -0, 1E400, 0.10]') as NumberToken[]
    expect(value.map((token) => token.text)).toEqual(['1e2', '100.100', '-0', '1E400', '0.10'])
  })

  test('prototype keys are keys like any other', () => {
    const value = readJson('{"__proto__": {"admin": true}, "constructor": 1, "toString": null}') as Record<
      string,
      unknown
    >
    expect(inherited(value)).toEqual([])
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'toString'])
    expect(({} as Record<string, unknown>).admin).toBeUndefined()
  })

  test('pairs of surrogates are read, escaped or not', () => {
    expect(readJson('"\\ud83d\\ude00 😀"')).toBe('😀 😀')
  })

  test('escapes are the eight of the RFC and \\u', () => {
    expect(readJson('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041"')).toBe('"\\/\b\f\n\r\tA')
  })

  test('the deepest allowed nesting is read', () => {
    expect(Array.isArray(readJson(deep(JSON_DEPTH_MAX)))).toBe(true)
  })

  test('as many values as are allowed are read', () => {
    expect(
      readJson(
        `[${Array(JSON_VALUES_MAX - 1)
          .fill('0')
          .join(',')}]`,
      ),
    ).toHaveLength(JSON_VALUES_MAX - 1)
  })
})

describe('what is refused', () => {
  test.each([
    ['', 'a value is expected'],
    ['\ufeff{}', 'byte order mark'],
    ['{} {}', 'nothing may follow'],
    ['{"a":1,"a":1}', 'only once'],
    ['{"a":1,"\\u0061":2}', 'only once'],
    ['{"__proto__":1,"__proto__":2}', 'only once'],
    ['{a:1}', 'key in double quotes'],
    ['{"a":1,}', 'key in double quotes'],
    ['[1,]', 'a value is expected'],
    ['[,1]', 'a value is expected'],
    ['{"a" 1}', 'a colon'],
    ['{"a":1 "b":2}', 'a comma'],
    ['[1 2]', 'a comma'],
    ["'a'", 'a value is expected'],
    ['NaN', 'a value is expected'],
    ['Infinity', 'a value is expected'],
    ['-Infinity', 'a digit'],
    ['undefined', 'a value is expected'],
    ['nul', 'a value is expected'],
    ['truex', 'nothing may follow'],
    ['01', 'leading zeros'],
    ['-01', 'leading zeros'],
    ['1.', 'a digit'],
    ['.5', 'a value is expected'],
    ['+1', 'a value is expected'],
    ['1e', 'a digit'],
    ['1e+', 'a digit'],
    ['0x10', 'nothing may follow'],
    ['1_000', 'nothing may follow'],
    ['"a', 'not closed'],
    ['"\\', 'escape does not exist'],
    ['"\\x41"', 'escape does not exist'],
    ['"\\u12"', 'four hexadecimal'],
    ['"\\u0000"', 'U+0000'],
    ['"\u0000"', 'control characters'],
    ['"a\nb"', 'control characters'],
    ['"\\ud800"', 'surrogate'],
    ['"\\udc00\\ud800"', 'surrogate'],
    ['"\ud800"', 'surrogate'],
    ['{"\\ud800":1}', 'surrogate'],
    ['\u00a01', 'a value is expected'],
    ['// hi\n1', 'a value is expected'],
    [deep(JSON_DEPTH_MAX + 1), 'nested'],
    ['{"a":'.repeat(JSON_DEPTH_MAX + 1), 'nested'],
    [deep(100_000), 'nested'],
  ])('case %#', (text, rule) => {
    expect(refusalOf(text)).toContain(rule)
  })

  test.each(['0,', '"",', '{},', '[],', 'null,', '{"a":0},'])(
    'eight megabytes of %s are too much, and are not read to their end',
    (piece) => {
      const text = `[${piece.repeat(8_388_608 / piece.length)}0]`
      const before = process.memoryUsage().heapUsed
      expect(() => readJson(text)).toThrow(expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }))
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000)
    },
  )

  test('the message says where, and repeats nothing of the text', () => {
    const message = refusalOf('{\n  "ticker": "SECRET",\n  "loan_days": SECRET\n}')
    expect(message).toContain('line 3, column 16')
    expect(message).toMatch(/^Invalid parameter: the body/)
    expect(message).not.toContain('SECRET')
  })
})

describe('agreement with the platform', () => {
  test('whatever JSON.stringify writes is read to the same value', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6, stringUnit: 'grapheme' }), (text) => {
        fc.pre(!text.includes('\\u0000'))
        expect(plain(readJson(text))).toEqual(plain(revived(JSON.parse(text))))
      }),
      { numRuns: 300 },
    )
  })

  test('a text that the platform refuses is refused, and what both read is the same', () => {
    const fragment = fc.constantFrom(
      '{', '}', '[', ']', ',', ':', '"', '"a"', '"b"', '\\', '\\u0041', '0', '1', '-', '.', 'e', '+', 'true', 'null', 'fals', ' ', '\n', '\t', '\u00a0',
    ) // biome-ignore format: one line reads better
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 9 }), (fragments) => {
        const text = fragments.join('')
        let theirs: unknown
        try {
          theirs = JSON.parse(text)
        } catch {
          refusalOf(text)
          return
        }
        let ours: JsonValue
        try {
          ours = readJson(text)
        } catch (error) {
          // The one thing refused here that the platform reads: a repeated key.
          expect((error as Problem).message).toContain('only once')
          return
        }
        expect(plain(ours)).toEqual(plain(revived(theirs)))
      }),
      { numRuns: 3000 },
    )
  })
})

/** The platform's value in the reader's clothes. */
function revived(value: unknown): JsonValue {
  if (typeof value === 'number') return new NumberToken(Object.is(value, -0) ? '-0' : JSON.stringify(value))
  if (Array.isArray(value)) return value.map(revived)
  if (value === null || typeof value !== 'object') return value as JsonValue
  const object = Object.create(null)
  for (const [key, member] of Object.entries(value)) object[key] = revived(member)
  return object
}
