// Answers of a demonstration engine, recorded, as the published contract shows them. They are kept in `answer-examples.json` by the
// operation's id and the media type; test/end-to-end/examples.pg.test.ts holds them to what the engine answers and records new ones.
import { readFileSync } from 'node:fs'
import { type JsonValue, NumberToken, readJson } from '../server/json-reader.ts'
import type { Examples } from './complete-document.ts'

const FILE = new URL('answer-examples.json', import.meta.url)

/** A number that leaves as it was written, 25.00 for one, and in other forms than JSON as a number. */
class WrittenNumber extends NumberToken {
  toJSON(): number {
    return Number(this.text)
  }
}

export function answerExamples(): Examples {
  return asWritten(readJson(readFileSync(FILE, 'utf8'))) as Examples
}

function asWritten(value: JsonValue): unknown {
  if (value instanceof NumberToken) return new WrittenNumber(value.text)
  if (Array.isArray(value)) return value.map(asWritten)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, asWritten(inner as JsonValue)]))
}
