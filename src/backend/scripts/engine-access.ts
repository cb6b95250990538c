// Where the engine is and with which key to ask it, for the command line: what was said on it, else the environment, else
// what an engine on this machine left in its data folder (its address, and the demonstration's keys).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ADDRESS_DEFAULT = 'http://127.0.0.1:8000'

/** A mistake of the person at the keyboard, or something that is not there: the sentence says what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

export interface AccessOptions {
  readonly url?: string | undefined
  readonly key?: string | undefined
  /** The broker whose terms price a quote. */
  readonly broker?: string | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

/** One entry of demo-keys.json. */
interface DemoKey {
  readonly name: string
  readonly role: string
  readonly clientId: string
  readonly apiKey: string
}

/** --url, else BORROW_RATE_URL, else the running engine's own word in engine.json, else port 8000 of this machine. */
export function engineAddress(options: AccessOptions, environment: Environment, dataDir: string): string {
  const said = options.url ?? environment.BORROW_RATE_URL
  if (said !== undefined) {
    if (!URL.canParse(said)) throw new CommandError('The address must be a URL, as http://127.0.0.1:8000.')
    return said
  }
  const left = readJson(join(dataDir, 'engine.json')) as { address?: unknown } | null
  return typeof left?.address === 'string' ? left.address : ADDRESS_DEFAULT
}

export interface EngineKey {
  readonly apiKey: string
  /** The broker that the key belongs to; null when the key came without saying. */
  readonly clientId: string | null
}

/**
 * --key, else BORROW_RATE_API_KEY, else the demonstration's key of the first role that has one. With `broker`, that broker's
 * own key comes first.
 * @throws CommandError when there is none
 */
export function engineKey(
  options: AccessOptions,
  environment: Environment,
  dataDir: string,
  roles: readonly string[],
): EngineKey {
  const demoKeys = readDemoKeys(dataDir)
  const said = options.key ?? environment.BORROW_RATE_API_KEY
  if (said !== undefined) {
    return { apiKey: said, clientId: demoKeys.find((key) => key.apiKey === said)?.clientId ?? null }
  }
  const usable = roles.flatMap((role) => demoKeys.filter((key) => key.role === role))
  const own = usable.find((key) => key.clientId === options.broker)
  const chosen = own ?? (options.broker === undefined ? usable[0] : usable.find((key) => key.role !== 'broker'))
  if (chosen === undefined) {
    throw new CommandError(
      'There is no API key. Say --key or set BORROW_RATE_API_KEY; an engine started with `npm start` has keys to try with.',
    )
  }
  return { apiKey: chosen.apiKey, clientId: chosen.role === 'broker' ? chosen.clientId : null }
}

function readDemoKeys(dataDir: string): readonly DemoKey[] {
  const file = readJson(join(dataDir, 'demo-keys.json')) as { keys?: unknown } | null
  return Array.isArray(file?.keys) ? (file.keys as DemoKey[]) : []
}

/** The file's JSON; null when there is no such file or it may not be read. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}
