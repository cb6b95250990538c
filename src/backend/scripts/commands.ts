// The command line: what each command takes, whom it asks, what it prints. A client of the HTTP contract like any other,
// except for `import`, which writes to the database itself.
import { Command } from 'commander'
import { BorrowRateClient } from '../client/borrow-rate-client.ts'
import { BorrowRateError } from '../client/borrow-rate-error.ts'
import type { QuoteRequest } from '../client/quotes.ts'
import { addAdministrationCommands } from './administration-commands.ts'
import { addBatchCommand } from './batch-command.ts'
import { type AskingOptions, AUDITING, type CommandTools, json, QUOTING } from './command-tools.ts'
import { type AccessOptions, CommandError, engineAddress, engineKey } from './engine-access.ts'
import { addKeyCommands } from './key-commands.ts'
import { addOperationCommands } from './operation-commands.ts'
import type { Progress } from './progress.ts'
import { quoteText, recordText } from './quote-text.ts'
import { addRateCommands } from './rate-commands.ts'
import { addRecordCommands } from './record-commands.ts'
import { type ShortOptions, shortOf, withShort } from './short-options.ts'
import { addWatchCommand } from './watch-command.ts'

/** What the commands need of the process. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The engine's data folder, where its address and its demonstration keys lie. */
  readonly dataDir: string
  /** Prints a text and a line end. */
  readonly print: (text: string) => void
  /** Says something beside what was asked for, on the error output. */
  readonly note: (text: string) => void
  /** How long work is shown while it goes on. */
  readonly progress: (words: string, unit: string) => Progress
  /** The exit status of a command that did what it should and found something bad. */
  readonly setExitStatus: (status: number) => void
  /** Reads a feed's file into the database; prints what it did. */
  readonly importFile: (path: string) => Promise<void>
}

/** The program with its commands; `parseAsync` runs one and rejects with a BorrowRateError or a CommandError. */
export function commandLine(surroundings: Surroundings): Command {
  const { environment, dataDir, print, note, importFile, progress, setExitStatus } = surroundings
  const program = new Command('borrow-rate-engine')
    .description('What a short sale of a US stock costs, step by step.')
    .showHelpAfterError()

  const client = (options: AccessOptions, roles: readonly string[]) => {
    const { apiKey, clientId } = engineKey(options, environment, dataDir, roles)
    const baseUrl = engineAddress(options, environment, dataDir)
    return { engine: new BorrowRateClient({ baseUrl, apiKey }), clientId }
  }
  const askingBelow = (parent: Command, name: string, description: string) =>
    parent
      .command(name)
      .description(description)
      .option('--url <address>', 'where the engine listens (else BORROW_RATE_URL, else the engine on this machine)')
      .option('--key <api key>', 'the API key (else BORROW_RATE_API_KEY, else a demonstration key)')
      .option('--json', 'print the answer as JSON, amounts and rates as exact text')

  const asking = (name: string, description: string) => askingBelow(program, name, description)

  withShort(asking('quote', 'price a short: by value or by shares, for days or between two trade dates'))
    .argument('<ticker>', 'as GME or BRK.B')
    .option('--broker <client_id>', 'whose terms price it')
    .action(async (ticker: string, options: ShortOptions) => {
      const { engine, clientId } = client(options, QUOTING)
      const answer = await engine.quotes.price(quoteRequest(ticker, options.broker ?? clientId, options))
      print(options.json ? json(answer) : quoteText(answer))
    })

  asking('explain', 'show a recorded quote as the steps that made it')
    .argument('<audit id>', 'the audit_id of a quote')
    .action(async (auditId: string, options: AskingOptions) => {
      const answer = await client(options, AUDITING).engine.records.read(auditId)
      print(options.json ? json(answer) : recordText(answer))
    })

  const tools: CommandTools = {
    asking: askingBelow,
    access: client,
    engine: (options, roles) => client(options, roles).engine,
    print,
    note,
    progress,
    foundBad: () => setExitStatus(1),
  }
  addRateCommands(program, tools)
  addWatchCommand(program, tools)
  addBatchCommand(program, tools)
  addRecordCommands(program, tools)
  addAdministrationCommands(program, tools)
  addKeyCommands(program, tools)
  addOperationCommands(program, tools)

  program
    .command('import')
    .description("read a feed's file into the database: lender file, VIX history, event calendar or closing prices")
    .argument('<file>')
    .action((path: string) => importFile(path))

  return program
}

function quoteRequest(ticker: string, clientId: string | null, options: ShortOptions): QuoteRequest {
  if (clientId === null) throw new CommandError('Say whose terms price it: --broker <client_id>.')
  return { ...shortOf(ticker, options), clientId }
}

/** A failure in words: the engine's own sentence, a line for each field at fault, and what to do when nothing answers. */
export function failureText(error: unknown): string {
  if (error instanceof CommandError) return error.message
  if (!(error instanceof BorrowRateError)) throw error
  if (error.code === 'NO_ANSWER') return `${error.message}\nStart it with: npm start`
  const faults = error.validationErrors.map((fault) => `  ${fault.field}: ${fault.message}`)
  const wait = error.retryAfterSeconds === null ? [] : [`Try again in ${error.retryAfterSeconds} s.`]
  const request = error.requestId === null ? '' : `, request ${error.requestId}`
  return [error.message, ...(faults.length > 1 ? faults : []), ...wait, `(${error.code}${request})`].join('\n')
}
