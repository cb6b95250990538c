// The one JSON reader (RFC 8259). The platform's own parser turns numbers into binary floats, lets the last of two equal
// keys win, and gives objects a prototype; a pricing request may not be read like that. Here number tokens stay text,
// a repeated key is refused, depth is limited, and objects have no prototype, so `__proto__` is a key like any other.
//
// Refused beyond the RFC's grammar: a byte order mark, U+0000 and lone surrogates in strings (a database cannot hold
// them). Messages name the rule and the place, never the text.
import { invalidParameters, Problem } from './problem.ts'

/** A number as it was written. `1e2` and `100.00` stay so until a shape says what they count. */
export class NumberToken {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type JsonValue = null | boolean | string | NumberToken | JsonValue[] | JsonObject
export interface JsonObject {
  [key: string]: JsonValue
}

const Bare = function Bare() {} as unknown as new () => object
Bare.prototype = Object.freeze(Object.create(null))

/**
 * An object with nothing inherited, so that any name is a key like others. An object whose prototype is null is one to the language as
 * well, and a hash table to the platform: this one has a prototype, which is empty, and is as fast as an object of a class.
 */
export function bareObject<T extends object>(): T {
  return new Bare() as T
}

/** Arrays and objects inside one another: a batch needs four. */
export const JSON_DEPTH_MAX = 32
/** In one text: thirty for each line of the largest batch. Eight megabytes of `0,` would be four million. */
export const JSON_VALUES_MAX = 300_000

/**
 * Reads one JSON text. The caller limits its size.
 * @throws Problem INVALID_PARAMETER that names line, column and rule; PAYLOAD_TOO_LARGE when it holds too many values
 */
export function readJson(text: string): JsonValue {
  return new Reader(text).read()
}

const TAB = 0x09
const NEWLINE = 0x0a
const RETURN = 0x0d
const SPACE = 0x20
const QUOTE = 0x22
const PLUS = 0x2b
const COMMA = 0x2c
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const BRACKET_OPEN = 0x5b
const BACKSLASH = 0x5c
const BRACKET_CLOSE = 0x5d
const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d
const BYTE_ORDER_MARK = 0xfeff

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}
/** With the u flag a pair is one character, so that this finds halves alone. */
export const LONE_SURROGATE = /\p{Surrogate}/u
const FOUR_HEX = /^[0-9a-fA-F]{4}$/

class Reader {
  private readonly text: string
  private at = 0
  private values = 0

  constructor(text: string) {
    this.text = text
  }

  read(): JsonValue {
    if (this.text.charCodeAt(0) === BYTE_ORDER_MARK) throw this.refusal('send UTF-8 without a byte order mark')
    this.skipSpace()
    const value = this.value(0)
    this.skipSpace()
    if (this.at < this.text.length) throw this.refusal('nothing may follow the value')
    return value
  }

  private value(depth: number): JsonValue {
    this.values += 1
    if (this.values > JSON_VALUES_MAX) {
      throw new Problem('PAYLOAD_TOO_LARGE', `The body holds more than ${JSON_VALUES_MAX} values`)
    }
    const code = this.text.charCodeAt(this.at)
    switch (code) {
      case BRACE_OPEN:
        return this.object(depth + 1)
      case BRACKET_OPEN:
        return this.array(depth + 1)
      case QUOTE:
        return this.string()
      case 0x74: // t
        return this.word('true', true)
      case 0x66: // f
        return this.word('false', false)
      case 0x6e: // n
        return this.word('null', null)
      default:
        if (code === MINUS || (code >= ZERO && code <= NINE)) return this.number()
        throw this.refusal('a value is expected')
    }
  }

  private object(depth: number): JsonObject {
    if (depth > JSON_DEPTH_MAX) throw this.refusal(`values may be nested ${JSON_DEPTH_MAX} deep at most`)
    const object = bareObject<JsonObject>()
    this.at += 1
    this.skipSpace()
    if (this.text.charCodeAt(this.at) === BRACE_CLOSE) {
      this.at += 1
      return object
    }
    for (;;) {
      if (this.text.charCodeAt(this.at) !== QUOTE) throw this.refusal('a key in double quotes is expected')
      const keyAt = this.at
      const key = this.string()
      if (key in object) {
        this.at = keyAt
        throw this.refusal('a key may stand only once in an object')
      }
      this.skipSpace()
      if (this.text.charCodeAt(this.at) !== COLON) throw this.refusal('a colon is expected after a key')
      this.at += 1
      this.skipSpace()
      object[key] = this.value(depth)
      this.skipSpace()
      const code = this.text.charCodeAt(this.at)
      if (code === BRACE_CLOSE) {
        this.at += 1
        return object
      }
      if (code !== COMMA) throw this.refusal('a comma or a closing brace is expected')
      this.at += 1
      this.skipSpace()
    }
  }

  private array(depth: number): JsonValue[] {
    if (depth > JSON_DEPTH_MAX) throw this.refusal(`values may be nested ${JSON_DEPTH_MAX} deep at most`)
    const array: JsonValue[] = []
    this.at += 1
    this.skipSpace()
    if (this.text.charCodeAt(this.at) === BRACKET_CLOSE) {
      this.at += 1
      return array
    }
    for (;;) {
      array.push(this.value(depth))
      this.skipSpace()
      const code = this.text.charCodeAt(this.at)
      if (code === BRACKET_CLOSE) {
        this.at += 1
        return array
      }
      if (code !== COMMA) throw this.refusal('a comma or a closing bracket is expected')
      this.at += 1
      this.skipSpace()
    }
  }

  private string(): string {
    const { text } = this
    const start = this.at + 1
    for (let at = start; at < text.length; at += 1) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        this.at = at + 1
        return text.slice(start, at)
      }
      // The slow way round for the few strings with escapes or characters outside the basic plane.
      if (code === BACKSLASH || code < SPACE || (code >= 0xd800 && code <= 0xdfff))
        return this.stringWithCare(start, at)
    }
    this.at = text.length
    throw this.refusal('a string is not closed')
  }

  private stringWithCare(start: number, from: number): string {
    const { text } = this
    let value = text.slice(start, from)
    this.at = from
    for (;;) {
      const code = text.charCodeAt(this.at)
      if (Number.isNaN(code)) throw this.refusal('a string is not closed')
      if (code === QUOTE) break
      if (code < SPACE) throw this.refusal('control characters in strings must be escaped')
      if (code === BACKSLASH) {
        value += this.escape()
      } else {
        value += text[this.at]
        this.at += 1
      }
    }
    if (LONE_SURROGATE.test(value)) throw this.refusal('a string holds half of a surrogate pair')
    this.at += 1
    return value
  }

  private escape(): string {
    const letter = this.text[this.at + 1] ?? ''
    if (letter === 'u') {
      const hex = this.text.slice(this.at + 2, this.at + 6)
      if (!FOUR_HEX.test(hex)) throw this.refusal('\\u needs four hexadecimal digits')
      if (hex === '0000') throw this.refusal('strings may not hold U+0000')
      this.at += 6
      return String.fromCharCode(Number.parseInt(hex, 16))
    }
    const character = ESCAPES[letter]
    if (character === undefined) throw this.refusal('this escape does not exist')
    this.at += 2
    return character
  }

  private number(): NumberToken {
    const start = this.at
    if (this.text.charCodeAt(this.at) === MINUS) this.at += 1
    if (this.text.charCodeAt(this.at) === ZERO) {
      this.at += 1
      if (this.isDigit()) throw this.refusal('a number has no leading zeros')
    } else {
      this.digits()
    }
    if (this.text.charCodeAt(this.at) === POINT) {
      this.at += 1
      this.digits()
    }
    const code = this.text.charCodeAt(this.at)
    if (code === 0x65 || code === 0x45) {
      this.at += 1
      const sign = this.text.charCodeAt(this.at)
      if (sign === PLUS || sign === MINUS) this.at += 1
      this.digits()
    }
    return new NumberToken(this.text.slice(start, this.at))
  }

  private digits(): void {
    if (!this.isDigit()) throw this.refusal('a digit is expected')
    do this.at += 1
    while (this.isDigit())
  }

  private isDigit(): boolean {
    const code = this.text.charCodeAt(this.at)
    return code >= ZERO && code <= NINE
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.refusal('a value is expected')
    this.at += word.length
    return value
  }

  private skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at)
      if (code !== SPACE && code !== NEWLINE && code !== RETURN && code !== TAB) return
      this.at += 1
    }
  }

  private refusal(rule: string): Problem {
    const before = this.text.slice(0, this.at)
    const line = before.split('\n').length
    const column = this.at - before.lastIndexOf('\n')
    const message = `the body is not JSON as it must be at line ${line}, column ${column}: ${rule}`
    return invalidParameters([{ field: 'body', location: 'body', message }])
  }
}
