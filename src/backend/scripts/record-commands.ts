// The commands of who keeps and proves the record: search, verify, replay, export, holds; and of the desk that asks what if. All but
// the check of a file are clients of the HTTP contract.
import { createReadStream, existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { parseExactJson } from '../client/exact-json.ts'
import type {
  DraftModel,
  DraftTerms,
  RecordRange,
  ReplayRange,
  ReplayRangeAnswer,
  VerifyAnswer,
  WhatIfAnswer,
} from '../client/record-answers.ts'
import type { Fraction, Usd } from '../client/units.ts'
import {
  type AskingOptions,
  AUDITING,
  amount,
  type CommandTools,
  given,
  json,
  oneOf,
  rateFraction,
  readText,
  refuseExisting,
  requireFile,
  whole,
  writeWhole,
} from './command-tools.ts'
import { CommandError } from './engine-access.ts'
import { counted } from './formats.ts'
import {
  holdsText,
  replayFindingText,
  replayRangeText,
  replayText,
  searchText,
  verifyText,
  whatIfText,
} from './record-text.ts'

interface RangeOptions extends AskingOptions {
  readonly from?: string
  readonly to?: string
}

const TRYING_OUT = ['desk', 'admin']
/** No draft of a rate card is anywhere near as large. */
const DRAFT_BYTES_MAX = 1_000_000

export function addRecordCommands(program: Command, tools: CommandTools): void {
  addSearch(program, tools)
  addVerify(program, tools)
  addReplay(program, tools)
  addExport(program, tools)
  addHolds(program, tools)
}

const FROM = 'from this time or day on: 2026-03-05T14:30:00Z, or 2026-03-05 (UTC)'
const TO = 'before this time, or to the end of this day'

interface SearchOptions extends RangeOptions {
  readonly client?: string
  readonly ticker?: string
  readonly type?: string
  readonly minValue?: Usd
  readonly maxValue?: Usd
  readonly minRate?: Fraction
  readonly maxRate?: Fraction
  readonly page?: number
  readonly pageSize?: number
  readonly cursor?: string
}

function addSearch(program: Command, { asking, engine, print }: CommandTools): void {
  const audit = program.command('audit').description('the records of prices and of changes')
  asking(audit, 'search', 'find records, the newest first; `explain` shows one')
    .option('--client <client_id>', 'of this broker')
    .option('--ticker <ticker>', 'of this stock')
    .option('--type <kind>', 'of this kind, as quote')
    .option('--from <time>', `${FROM}; else of the last 31 days`)
    .option('--to <time>', TO)
    .option('--min-value <usd>', 'charged value from this on', amount)
    .option('--max-value <usd>', 'charged value up to this', amount)
    .option('--min-rate <fraction>', 'borrow rate from this on: 0.05 is 5 %', rateFraction)
    .option('--max-rate <fraction>', 'borrow rate up to this', rateFraction)
    .option('--page <number>', 'page, from 1', whole)
    .option('--page-size <count>', 'records of a page, up to 100', whole)
    .option('--cursor <cursor>', 'go on behind an earlier page')
    .action(async (options: SearchOptions) => {
      const page = await engine(options, AUDITING).records.search({
        ...rangeOf(options),
        ...given('clientId', options.client),
        ...given('ticker', options.ticker),
        ...given('recordType', options.type),
        ...given('minPositionValue', options.minValue),
        ...given('maxPositionValue', options.maxValue),
        ...given('minBorrowRate', options.minRate),
        ...given('maxBorrowRate', options.maxRate),
        ...given('page', options.page),
        ...given('pageSize', options.pageSize),
        ...given('cursor', options.cursor),
      })
      print(options.json ? json(page) : searchText(page))
    })
}

interface VerifyOptions extends RangeOptions {
  readonly file?: string
  readonly publicKey?: string
}

function addVerify(program: Command, tools: CommandTools): void {
  const { asking, engine, print, progress, foundBad } = tools
  asking(
    program,
    'verify',
    'check the chain of the records: all of it, a range, or an exported file without any engine',
  )
    .option('--from <time>', `${FROM}; else from the first record`)
    .option('--to <time>', `${TO}; else to the last`)
    .option('--file <export>', 'an exported file; nothing is asked of an engine')
    .option('--public-key <pem>', 'with --file: the public keys that are trusted')
    .action(async (options: VerifyOptions) => {
      const { file, publicKey } = options
      if ((file === undefined) !== (publicKey === undefined)) {
        throw new CommandError('Say both --file <export> and --public-key <pem>, or neither.')
      }
      if (file !== undefined && (options.from !== undefined || options.to !== undefined)) {
        throw new CommandError('A file is checked as a whole: leave out --from and --to.')
      }
      const bar = progress('Verifying', 'records')
      try {
        const steps =
          file !== undefined && publicKey !== undefined
            ? await fileSteps(file, publicKey)
            : engine(options, AUDITING).records.verify(rangeOf(options))
        let result: VerifyAnswer | null = null
        for await (const step of steps) {
          if (step.type === 'progress') bar.update(step.checked, step.of)
          else result = step
        }
        bar.done()
        if (result === null) throw new CommandError('The check ended without a result.')
        print(options.json ? json(result) : verifyText(result))
        if (!result.valid) foundBad()
      } finally {
        bar.done()
      }
    })
}

async function fileSteps(file: string, publicKey: string) {
  for (const path of [file, publicKey]) requireFile(path)
  // Loaded when it is needed: an engine that is asked has its own.
  const { fileCheck } = await import('./verify-file.ts')
  return fileCheck(createReadStream(file), publicKey)
}

interface ReplayOptions extends RangeOptions {
  readonly client?: string
  readonly ticker?: string
  readonly model?: string
  readonly terms?: string
  readonly clients?: number
  readonly csv?: string
}

function addReplay(program: Command, tools: CommandTools): void {
  const description = 'price a record, or a range of them, again; with a draft: what if it had been in force'
  tools
    .asking(program, 'replay', description)
    .argument('[audit id]', 'one record')
    .option('--from <time>', `a range of records, ${FROM}`)
    .option('--to <time>', `${TO}; else to now`)
    .option('--client <client_id>', 'of this broker alone')
    .option('--ticker <ticker>', 'of this stock alone')
    .option('--model <name or file>', 'what if: under this pricing model, or the draft in this JSON file')
    .option('--terms <file>', 'what if: under the draft of terms in this JSON file')
    .option('--clients <count>', 'what if: how many of the clients most affected are named', whole)
    .option('--csv <file>', 'what if: write the table to this file too')
    .action(async (auditId: string | undefined, options: ReplayOptions) => {
      if ((auditId === undefined) === (options.from === undefined)) {
        throw new CommandError('Say either an audit id or --from <time>, with --to <time>.')
      }
      const drafted = options.model !== undefined || options.terms !== undefined
      if (!drafted && options.csv !== undefined) {
        throw new CommandError('--csv is the table of a what-if: say --model or --terms with it.')
      }
      if (auditId === undefined) return drafted ? whatIf(options, tools) : replayRange(options, tools)
      if (drafted) throw new CommandError('A what-if is asked of a range: --from <time> --to <time>.')
      const answer = await tools.engine(options, AUDITING).records.replay(auditId)
      tools.print(options.json ? json(answer) : replayText(answer))
      if (!answer.identical) tools.foundBad()
    })
}

async function replayRange(options: ReplayOptions, tools: CommandTools): Promise<void> {
  const { engine, print, progress, foundBad } = tools
  const range: ReplayRange = {
    ...rangeOf(options),
    ...given('clientId', options.client),
    ...given('ticker', options.ticker),
  }
  const bar = progress('Replaying', 'records')
  let result: ReplayRangeAnswer | null = null
  const found: object[] = []
  try {
    for await (const step of engine(options, AUDITING).records.replayRange(range)) {
      if (step.type === 'progress') bar.update(step.checked, step.of)
      else if (step.type === 'result') result = step
      else if (options.json) found.push(step)
      else print(replayFindingText(step) ?? '')
    }
  } finally {
    bar.done()
  }
  if (result === null) throw new CommandError('The replay ended without a result.')
  print(options.json ? json({ ...result, found }) : replayRangeText(result))
  if (result.different > 0 || result.not_replayable > 0) foundBad()
}

async function whatIf(options: ReplayOptions, { engine, print, progress }: CommandTools): Promise<void> {
  if (options.ticker !== undefined) throw new CommandError('A what-if is of all stocks: leave out --ticker.')
  if (options.csv !== undefined) refuseExisting(options.csv)
  const request = {
    ...rangeOf(options),
    ...given('clientId', options.client),
    ...given('model', options.model === undefined ? undefined : modelOf(options.model)),
    ...given('terms', options.terms === undefined ? undefined : (readDraft(options.terms) as DraftTerms)),
    ...given('clientsMax', options.clients),
  }
  const bar = progress('Pricing', 'quotes')
  let result: WhatIfAnswer | null = null
  try {
    for await (const step of engine(options, TRYING_OUT).whatIf(request)) {
      if (step.type === 'progress') bar.update(step.quotes, null)
      else result = step
    }
  } finally {
    bar.done()
  }
  if (result === null) throw new CommandError('The what-if ended without a result.')
  print(options.json ? json(result) : whatIfText(result))
  if (options.csv === undefined) return
  const { whatIfTable } = await import('./what-if-table.ts')
  await writeFile(options.csv, whatIfTable(result), { flag: 'wx' })
  if (!options.json) print(`The table is in ${options.csv}.`)
}

/** A file with a draft, or else the name of a model. */
function modelOf(said: string): string | DraftModel {
  return said.endsWith('.json') || existsSync(said) ? (readDraft(said) as DraftModel) : said
}

function readDraft(path: string): object {
  const text = readText(path, DRAFT_BYTES_MAX, 'a draft')
  let draft: unknown
  try {
    // Numbers as their exact text: a draft loses no digit on its way.
    draft = parseExactJson(text)
  } catch {
    throw new CommandError(`${basename(path)} is not JSON.`)
  }
  if (typeof draft === 'object' && draft !== null && !Array.isArray(draft)) return draft
  throw new CommandError(`${basename(path)} must hold a JSON object.`)
}

interface ExportOptions extends RangeOptions {
  readonly out: string
  readonly format: 'ndjson' | 'csv'
}

function addExport(program: Command, { asking, engine, print, progress }: CommandTools): void {
  asking(
    program,
    'export',
    'write the records of a range to a file: with their chain, or the quotes for the back office',
  )
    .requiredOption('--from <time>', FROM)
    .option('--to <time>', `${TO}; else to now`)
    .requiredOption('--out <file>', 'the file, which must not exist')
    .option('--format <format>', 'ndjson with the chain, or csv of the quotes', oneOf('ndjson', 'csv'), 'ndjson')
    .action(async (options: ExportOptions) => {
      refuseExisting(options.out)
      const bar = progress('Exporting', 'lines')
      let lines = 0
      let bytes = 0
      async function* watched(pieces: AsyncIterable<string>): AsyncGenerator<string> {
        for await (const piece of pieces) {
          yield piece
          bytes += Buffer.byteLength(piece)
          lines += piece.split('\n').length - 1
          bar.update(lines, null)
        }
      }
      try {
        await writeWhole(
          options.out,
          watched(engine(options, AUDITING).records.export(rangeOf(options), options.format)),
        )
      } finally {
        bar.done()
      }
      if (options.json) print(json({ file: options.out, format: options.format, lines, bytes }))
      else print(`${counted(lines, 'line')} (${counted(bytes, 'byte')}) are in ${options.out}.`)
    })
}

interface HoldOptions extends RangeOptions {
  readonly client?: string
  readonly ticker?: string
  readonly reason: string
}

function addHolds(program: Command, { asking, engine, print }: CommandTools): void {
  const hold = program.command('hold').description('legal holds: records that are kept beyond their years')
  asking(hold, 'list', 'the holds in force')
    .option('--all', 'the released ones too')
    .option('--limit <count>', 'holds at the most, up to 100', whole)
    .option('--skip <count>', 'holds to leave out before the first', whole)
    .action(async (options: AskingOptions & { all?: true; limit?: number; skip?: number }) => {
      const answer = await engine(options, AUDITING).legalHolds.list({
        ...(options.all !== true && { inForce: true }),
        ...given('limit', options.limit),
        ...given('skip', options.skip),
      })
      print(options.json ? json(answer) : holdsText(answer.items, answer.pagination.total))
    })

  asking(hold, 'place', 'keep records of a broker, a stock or a time, or what fits all that is said')
    .option('--client <client_id>', 'of this broker')
    .option('--ticker <ticker>', 'of this stock')
    .option('--from <time>', FROM)
    .option('--to <time>', `${TO}; else those to come too`)
    .requiredOption('--reason <text>', 'why; it goes on the record')
    .action(async (options: HoldOptions) => {
      const placed = await engine(options, AUDITING).legalHolds.place({
        ...rangeOf(options),
        ...given('clientId', options.client),
        ...given('ticker', options.ticker),
        reason: options.reason,
      })
      print(options.json ? json(placed) : holdsText([placed]))
    })

  asking(hold, 'release', 'let go what a hold keeps, for good')
    .argument('<hold id>')
    .requiredOption('--reason <text>', 'why; it goes on the record')
    .action(async (holdId: string, options: HoldOptions) => {
      const released = await engine(options, AUDITING).legalHolds.release(holdId, options.reason)
      print(options.json ? json(released) : holdsText([released]))
    })
}

function rangeOf({ from, to }: RangeOptions): RecordRange {
  return { ...given('from', from), ...given('to', to) }
}
