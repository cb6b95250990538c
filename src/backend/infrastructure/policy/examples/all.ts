// Every rule's examples, by its id.
import { CACHE_EXAMPLES } from './cache.ts'
import { COMPUTE_EXAMPLES } from './compute.ts'
import { DATABASE_EXAMPLES } from './database.ts'
import { EDGE_EXAMPLES } from './edge.ts'
import type { Examples } from './example.ts'
import { IDENTITY_EXAMPLES } from './identity.ts'
import { NAMING_EXAMPLES } from './naming.ts'
import { NETWORK_EXAMPLES } from './networks.ts'
import { PATCHING_EXAMPLES } from './patching.ts'
import { RECORD_KEEPING_EXAMPLES } from './record-keeping.ts'
import { SECRET_EXAMPLES } from './secrets.ts'
import { STORAGE_EXAMPLES } from './storage.ts'

export const EXAMPLES: Examples = {
  ...NETWORK_EXAMPLES,
  ...COMPUTE_EXAMPLES,
  ...DATABASE_EXAMPLES,
  ...CACHE_EXAMPLES,
  ...STORAGE_EXAMPLES,
  ...SECRET_EXAMPLES,
  ...IDENTITY_EXAMPLES,
  ...EDGE_EXAMPLES,
  ...RECORD_KEEPING_EXAMPLES,
  ...PATCHING_EXAMPLES,
  ...NAMING_EXAMPLES,
}
