// Who may import whom. docs/architecture/overview.md, "Who may import whom", says the same in words.
import { posix } from 'node:path'
import { BACKEND, type TreeFile } from './tree.ts'

/** The words of pricing that parsers and database rows need; they know nothing of formulas. */
const VOCABULARY = [
  'pricing/decimal.ts',
  'pricing/units.ts',
  'pricing/day-count.ts',
  'pricing/iso-date.ts',
  'pricing/convention-packs.ts',
]

interface Permission {
  /** Folders or files that may be imported to run. */
  readonly values: readonly string[]
  /** Folders or files of which only types may be imported, besides pricing's, which everybody may. */
  readonly types?: readonly string[]
  /** A pure folder imports no package and nothing of the platform. */
  readonly pure?: true
}

const DOMAINS = [
  'access',
  'audit',
  'cache',
  'database',
  'market-data',
  'quotes',
  'reference-data',
  'server',
  'pricing',
  'webhooks',
]

const PERMISSIONS: Readonly<Record<string, Permission>> = {
  pricing: { values: [], pure: true },
  client: { values: [], pure: true },
  server: { values: VOCABULARY },
  database: { values: [...VOCABULARY, 'server'] },
  'database/seed.ts': { values: [...VOCABULARY, 'server', 'market-data', 'reference-data', 'access'] },
  // A change and its record are one transaction.
  'reference-data': {
    values: [...VOCABULARY, 'server', 'database', 'audit/change-record.ts', 'audit/actor-codec.ts'],
    types: ['audit/quote-record.ts'],
  },
  access: {
    values: [...VOCABULARY, 'server', 'database', 'audit/change-record.ts'],
    types: ['audit/quote-record.ts'],
  },
  cache: { values: [...VOCABULARY, 'server', 'database'] },
  // pricing/borrow-rate.ts for the floor of a stock that has none of its own.
  'market-data': {
    values: [...VOCABULARY, 'pricing/borrow-rate.ts', 'server', 'database', 'cache', 'reference-data'],
  },
  // What a what-if tries is read as what is put in force.
  audit: {
    values: ['pricing', 'server', 'database', 'reference-data/rate-card.ts', 'reference-data/broker-codec.ts'],
    types: ['market-data/observation.ts'],
  },
  quotes: {
    values: [
      'pricing',
      'server',
      'market-data/observation.ts',
      'market-data/event-risk.ts',
      'market-data/fallback.ts',
      'market-data/new-york-time.ts',
      'audit/actor-codec.ts',
    ],
    types: ['market-data', 'reference-data', 'audit'],
  },
  // What a what-if asks, how its table looks, what a verification says: pure words of the audit log, as quotes/wire.ts is of quotes.
  gateway: {
    values: [
      'pricing',
      'quotes',
      'access',
      'server',
      'audit/what-if-ask.ts',
      'audit/what-if-csv.ts',
      'audit/verify-answer.ts',
      'reference-data/rate-card.ts',
      'webhooks/events.ts',
      'webhooks/webhook.ts',
    ],
    types: DOMAINS,
  },
  // How a batch looks as a table or as JSON is said once.
  scripts: {
    values: [
      'quotes/batch-answer.ts',
      'client',
      'database',
      'market-data',
      'reference-data',
      'access',
      'audit',
      'server',
      'pricing',
    ],
  },
  // A webhook and its record are one transaction; a URL that holds a key is not kept.
  webhooks: {
    values: [...VOCABULARY, 'server', 'database', 'audit/change-record.ts', 'access/api-keys.ts'],
    types: ['audit/quote-record.ts', 'quotes'],
  },
  services: { values: [...DOMAINS, 'gateway', 'scripts', 'tools/traffic-split'] },
  // It runs in the cluster, and knows nothing of the engine but how a process of it lives.
  'tools/traffic-split': { values: ['server'] },
  // A client and nothing more, in a browser; what it tries out on a screen, unrecorded, it prices itself.
  console: { values: ['client', 'pricing', 'server/csv-writer.ts'] },
  // A person at the screen, with a real engine behind it.
  'console/stories': { values: ['client', 'pricing', 'console', 'test', 'database', 'tools'], types: DOMAINS },
  // A package of its own: it describes where the program runs, and knows nothing of it.
  infrastructure: { values: [] },
  // Never built: they start what is, beside the servers that tests have.
  tools: { values: [...DOMAINS, 'gateway', 'test', 'scripts', 'services'] },
}

/** `import … from`, `export … from` and `import()`, with whether only types come over. */
const IMPORT =
  /^(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm

/**
 * Imports that go against the table. Tests may import what they like; settings of tools lie outside the folders; infrastructure is a
 * package of its own.
 */
export function importFaults(files: readonly TreeFile[]): string[] {
  return files.flatMap((file) => {
    if (!file.path.startsWith(BACKEND) || !/\.tsx?$/.test(file.path) || file.path.endsWith('.test.ts')) return []
    const path = file.path.slice(BACKEND.length)
    const directory = posix.dirname(path)
    const folder = PERMISSIONS[directory] === undefined ? (path.split('/')[0] ?? '') : directory
    if (folder === 'test' || folder === 'infrastructure' || !path.includes('/')) return []
    const permission = PERMISSIONS[path] ?? PERMISSIONS[folder]
    if (permission === undefined) return [`${path}: the folder ${folder} has no row in the table of imports`]
    return [...file.text.matchAll(IMPORT)].flatMap((match) => {
      const target = match[2] ?? match[3] ?? match[4] ?? ''
      const fault = faultOf(path, folder, permission, target, match[1] !== undefined)
      return fault === null ? [] : [fault]
    })
  })
}

function faultOf(path: string, folder: string, permission: Permission, target: string, typesOnly: boolean) {
  if (!target.startsWith('.')) return permission.pure ? `${path} imports ${target}: ${folder} imports nothing` : null
  const imported = posix.normalize(posix.join(posix.dirname(path), target))
  if (imported.startsWith('..') || imported === 'package.json') return null
  if (covers([folder], imported) || covers(permission.values, imported)) return null
  const types = [...(permission.types ?? []), ...(folder === 'client' ? [] : ['pricing'])]
  if (typesOnly && covers(types, imported)) return null
  return `${path} imports ${imported}: ${folder} may not`
}

function covers(allowed: readonly string[], path: string): boolean {
  return allowed.some((entry) => path === entry || path.startsWith(`${entry}/`))
}
