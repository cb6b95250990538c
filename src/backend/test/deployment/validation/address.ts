// Where an environment answers, and with which keys it is asked.
import { readFileSync } from 'node:fs'
import { defaultDataDir } from '../../../database/embedded.ts'
import { type AccessOptions, engineAddress, engineKey } from '../../../scripts/engine-access.ts'
import type { KeyKind } from './engine.ts'

export const ENVIRONMENTS = ['local', 'dev', 'staging', 'prod'] as const
export type EnvironmentName = (typeof ENVIRONMENTS)[number]

/** The validation cannot be run as it was asked for. The message says what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

type Variables = Readonly<Record<string, string | undefined>>

/** --base-url, else the variable of the environment; of `local` the engine on this machine, else port 8000. */
export function baseUrlOf(environment: EnvironmentName, said: string | undefined, variables: Variables): string {
  const variable = `BASE_URL_${environment.toUpperCase()}`
  const address = said ?? variables[variable] ?? (environment === 'local' ? localAddress(variables) : undefined)
  if (address === undefined || address === '') {
    throw new UsageError(
      `There is no address for ${environment}. Set ${variable} to it, as https://api.example.com, or give --base-url.`,
    )
  }
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    throw new UsageError(`The address of ${environment} must begin with https:// or http://.`)
  }
  return address.replace(/\/+$/, '')
}

function localAddress(variables: Variables): string {
  return engineAddress({}, { BORROW_RATE_URL: undefined }, variables.DATA_DIR || defaultDataDir())
}

interface KeySource {
  /** The option that names a file with the key. */
  readonly option: 'api-key-file' | 'auditor-key-file' | 'admin-key-file'
  readonly variable: string
  /** Roles of the demonstration's keys that can stand in for it where an engine was started with them. */
  readonly roles: readonly string[]
}

export const KEY_SOURCES: Readonly<Record<KeyKind, KeySource>> = {
  quoting: { option: 'api-key-file', variable: 'BORROW_RATE_API_KEY', roles: ['desk'] },
  auditing: { option: 'auditor-key-file', variable: 'BORROW_RATE_AUDITOR_KEY', roles: ['auditor'] },
  admin: { option: 'admin-key-file', variable: 'BORROW_RATE_ADMIN_KEY', roles: ['admin'] },
}

/** The keys that were given; for `local` the demonstration's beside them. An administrator's may audit as well. */
export function keysOf(
  environment: EnvironmentName,
  files: Readonly<Partial<Record<KeySource['option'], string | undefined>>>,
  variables: Variables,
): Partial<Record<KeyKind, string>> {
  const keys: Partial<Record<KeyKind, string>> = {}
  for (const [kind, { option, variable, roles }] of Object.entries(KEY_SOURCES) as [KeyKind, KeySource][]) {
    const file = files[option]
    const key = file === undefined ? variables[variable] : keyIn(file, option)
    if (key) keys[kind] = key
    else if (environment === 'local') {
      const demonstrated = demonstrationKey(roles, variables)
      if (demonstrated !== null) keys[kind] = demonstrated
    }
  }
  if (keys.auditing === undefined && keys.admin !== undefined) keys.auditing = keys.admin
  return keys
}

function keyIn(file: string, option: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch {
    throw new UsageError(`The file that --${option} names cannot be read.`)
  }
  if (!/^\S+$/.test(text)) throw new UsageError(`The file that --${option} names must hold one key and nothing else.`)
  return text
}

function demonstrationKey(roles: readonly string[], variables: Variables): string | null {
  const nothingSaid: AccessOptions = {}
  try {
    return engineKey(nothingSaid, {}, variables.DATA_DIR || defaultDataDir(), roles).apiKey
  } catch {
    return null
  }
}
