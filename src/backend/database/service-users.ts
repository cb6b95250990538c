// The database users that services log in as. A user has no rights of its own: it is a member of its service's role
// (0005_roles.sql), and has the limits of a session, which no pooler passes on.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Queryable } from './connect.ts'

export const SERVICE_ROLES = [
  'api_gateway',
  'calculation_service',
  'data_service',
  'cache_service',
  'audit_service',
] as const
export type ServiceRole = (typeof SERVICE_ROLES)[number]

/** Whoever is a member of it may run the migrations. */
export const MIGRATOR_ROLE = 'borrow_rate_migrator'
export const USER_ROLES = [...SERVICE_ROLES, MIGRATOR_ROLE] as const
export type UserRole = (typeof USER_ROLES)[number]

export interface ServiceUser {
  readonly user: string
  readonly role: UserRole
  /** Printable ASCII. Neither the server's log nor the connection sees it: only its SCRAM verifier is sent. */
  readonly password: string
}

/** Of a service's session: a statement that takes longer is a fault, and a transaction left open holds what it has locked. */
const SESSION_LIMITS = { statement_timeout: '15s', idle_in_transaction_session_timeout: '60s' }
const USER_NAME = /^[a-z_][a-z0-9_]{0,62}$/
const PASSWORD_LENGTH_MIN = 12
const SCRAM_ITERATIONS = 4096

/**
 * Makes the user, or gives the one there is this password and, of the engine's roles, this one alone.
 * @param database as a user who may create roles, and has made or been given the engine's
 * @returns whether the user is new
 * @throws RangeError when the name or the password cannot be used; neither is repeated
 */
export async function setServiceUser(database: Queryable, { user, role, password }: ServiceUser): Promise<boolean> {
  if (!USER_NAME.test(user) || (USER_ROLES as readonly string[]).includes(user)) {
    throw new RangeError('a user is named with small letters, digits and _, and not as one of the roles')
  }
  if (!/^[\x20-\x7e]+$/.test(password) || password.length < PASSWORD_LENGTH_MIN) {
    throw new RangeError(`a password has at least ${PASSWORD_LENGTH_MIN} printable ASCII characters`)
  }
  const { rows } = await database.query<{ known: boolean; others: string[] }>(
    `select to_regrole($1) is not null as known,
            coalesce(array_agg(role) filter (where role <> $2 and to_regrole(role) is not null
              and exists (select from pg_auth_members where roleid = to_regrole(role) and member = to_regrole($1))), '{}') as others
       from unnest($3::text[]) as role`,
    [user, role, USER_ROLES],
  )
  const { known, others } = rows[0]!
  // Names are checked above and the verifier is base64: none needs more than its quotes.
  await database.query(
    `${known ? 'alter' : 'create'} role "${user}" login password ${pg.escapeLiteral(scramVerifier(password))}`,
  )
  for (const other of others) await database.query(`revoke ${other} from "${user}"`)
  await database.query(`grant ${role} to "${user}"`)
  for (const [name, limit] of role === MIGRATOR_ROLE ? [] : Object.entries(SESSION_LIMITS)) {
    await database.query(`alter role "${user}" set ${name} = '${limit}'`)
  }
  return !known
}

/** What PostgreSQL itself would keep of the password (RFC 5803). */
function scramVerifier(password: string): string {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, SCRAM_ITERATIONS, 32, 'sha256')
  const key = (name: string) => createHmac('sha256', salted).update(name).digest()
  const storedKey = createHash('sha256').update(key('Client Key')).digest()
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString('base64')}$${storedKey.toString('base64')}:${key('Server Key').toString('base64')}`
}
