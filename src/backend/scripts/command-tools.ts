// What the files of commands share: what a command needs of the program, how options are read as people write them, and files that are
// whole or not there.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { BorrowRateClient } from '../client/borrow-rate-client.ts'
import {
  type Fraction,
  fraction,
  fromPercent,
  type PercentPoints,
  percentPoints,
  type Usd,
  usd,
} from '../client/units.ts'
import { parseDecimal } from '../pricing/decimal.ts'
import { type AccessOptions, CommandError } from './engine-access.ts'
import type { Progress } from './progress.ts'

export interface CommandTools {
  /** A command with the options that all have: where the engine is, the key, JSON. */
  readonly asking: (parent: Command, name: string, description: string) => Command
  /** The engine, and the broker of the key when that is known. */
  readonly access: (
    options: AccessOptions,
    roles: readonly string[],
  ) => { readonly engine: BorrowRateClient; readonly clientId: string | null }
  readonly engine: (options: AccessOptions, roles: readonly string[]) => BorrowRateClient
  /** Prints a text and a line end. */
  readonly print: (text: string) => void
  /** Says something beside what was asked for, on the error output. */
  readonly note: (text: string) => void
  /** How long work is shown: a bar on a terminal, nothing elsewhere. */
  readonly progress: (words: string, unit: string) => Progress
  /** Ends the process with status 1 although the command did what it should: what it found is bad. */
  readonly foundBad: () => void
}

/** What every command that asks an engine is told. */
export type AskingOptions = AccessOptions & { readonly json?: true }

/** Roles whose demonstration key a command may use, the best first. */
export const QUOTING = ['broker', 'desk']
export const READING = ['broker', 'desk', 'auditor', 'admin']
export const AUDITING = ['auditor', 'admin']
export const ADMINISTERING = ['admin']

export function json(answer: unknown): string {
  return JSON.stringify(answer, null, 2)
}

/** The member, when there is something to say. */
export function given<K extends string, V>(name: K, value: V | undefined): { readonly [N in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [N in K]?: V })
}

// ---- options as people write them. What is decimal stays text, so that no digit is lost.

/** An amount: `50000`, `50,000.00`. */
export function amount(text: string): Usd {
  return usd(decimalText(text, 'It must be an amount, as 50000 or 50,000.00.'))
}

/** A fraction a year, as the API has it. */
export function rateFraction(text: string): Fraction {
  return fraction(decimalText(text, 'It must be a fraction a year, as 0.05 for 5 %.'))
}

/** Percent points, with or without the sign: `5`, `5%`. */
export function percent(text: string): PercentPoints {
  return percentPoints(decimalText(text.replace(/\s*%$/, ''), 'It must be a percentage, as 5% or 4.5.'))
}

/** A rate a year in percent. Only with the sign: 3 could be 3 % or, as the API has it, 300 %. */
export function percentRate(text: string): Fraction {
  if (!text.endsWith('%')) throw new InvalidArgumentError('Say it in percent a year, with the sign, as 3%.')
  return fromPercent(percent(text))
}

export function wholeFromOne(text: string): number {
  const value = whole(text)
  if (value === 0) throw new InvalidArgumentError('It must be a whole number above 0.')
  return value
}

export function whole(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

/** @throws InvalidArgumentError for what is none of them */
export function oneOf<V extends string>(...values: readonly V[]): (text: string) => V {
  return (text) => {
    const value = values.find((candidate) => candidate === text)
    if (value === undefined)
      throw new InvalidArgumentError(`It must be ${values.join(', ').replace(/, ([^,]*)$/, ' or $1')}.`)
    return value
  }
}

function decimalText(text: string, rule: string): string {
  const plain = text.replaceAll(/(?<=[0-9]),(?=[0-9]{3}(?:[,.]|$))/g, '')
  if (parseDecimal(plain) === null || !/^-?[0-9.]+$/.test(plain)) throw new InvalidArgumentError(rule)
  return plain
}

// ---- files

/** @throws CommandError when there is no such file */
export function requireFile(path: string): void {
  const about = statSync(path, { throwIfNoEntry: false })
  if (about === undefined || about.isDirectory()) throw new CommandError(`There is no file ${path}.`)
}

/** @throws CommandError when there is no such file, or it is larger than it may be */
export function readText(path: string, bytesMax: number, what: string): string {
  requireFile(path)
  if (statSync(path).size > bytesMax) throw new CommandError(`${basename(path)} is too large for ${what}.`)
  return readFileSync(path, 'utf8')
}

/** @throws CommandError when there is something of this name */
export function refuseExisting(path: string): void {
  if (existsSync(path)) throw new CommandError(`${path} is there already. Say another file, or remove it first.`)
}

/** Writes text as it comes, beside its place until it is whole: what stands under the name is never half a file. */
export async function writeWhole(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const aside = `${path}.part`
  try {
    const file = await open(aside, 'w', 0o600)
    try {
      for await (const piece of pieces) await file.appendFile(piece)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
}
