// The servers that deployments beside the simplest one need: a Redis, and a PgBouncer with a user for each service in front of the
// PostgreSQL that the tests share. Started once for a run, after postgres-server.ts.
import { randomBytes } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import { setServiceUser, USER_ROLES, type UserRole } from '../../database/service-users.ts'
import { startPgBouncer } from '../pgbouncer.ts'
import { pgbouncerFound } from '../pgbouncer-found.ts'
import { asOwner } from '../postgres.ts'
import { startRedis } from '../redis.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    servers: {
      /** With its password. */
      readonly redisUrl: string
      /** Null: there is no PgBouncer here. */
      readonly pgbouncerPort: number | null
      readonly users: Readonly<Record<UserRole, { readonly name: string; readonly password: string }>>
    }
  }
}

/** Connections to the server for each service and database: fewer than there are clients. */
const POOL_SIZE = 5

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url } = project.getProvidedContext().postgres
  const users = Object.fromEntries(
    USER_ROLES.map((role) => [role, { name: `${role}_user`, password: randomBytes(18).toString('base64url') }]),
  ) as Record<UserRole, { name: string; password: string }>
  await asOwner(url, async (client) => {
    for (const role of USER_ROLES)
      await setServiceUser(client, { user: users[role].name, role, password: users[role].password })
  })
  const redis = await startRedis({ password: randomBytes(12).toString('hex') })
  const pgbouncer =
    pgbouncerFound() === null
      ? null
      : await startPgBouncer({
          serverPort: Number(new URL(url).port),
          users: Object.fromEntries(Object.values(users).map(({ name, password }) => [name, password])),
          poolSize: POOL_SIZE,
        })
  project.provide('servers', { redisUrl: redis.url, pgbouncerPort: pgbouncer?.port ?? null, users })
  return async () => {
    await pgbouncer?.end()
    await redis.stop()
  }
}
