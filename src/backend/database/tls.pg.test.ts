// The database as it stands in a cloud: it takes no connection that is not encrypted, and shows a certificate of an authority
// that the client has to know.
import { appendFileSync, chmodSync, chownSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Authority, certificateAuthority, hasOpenssl } from '../test/certificates.ts'
import { type RealPostgres, startPostgres } from '../test/postgres.ts'
import { connectDatabase } from './connect.ts'
import { status } from './migrate.ts'
import { serverAccount } from './postgres-binaries.ts'

describe.skipIf(!hasOpenssl)('a server that refuses what is not encrypted', () => {
  let server: RealPostgres
  let authority: Authority
  let stranger: Authority
  let caFile: string
  let strangersFile: string

  beforeAll(async () => {
    server = await startPostgres({ ...inject('postgres').own, durable: false })
    authority = certificateAuthority()
    stranger = certificateAuthority()
    const signed = authority.sign('database')
    caFile = signed.caFile
    strangersFile = stranger.sign('database').caFile
    const cluster = join(server.folder, 'postgres')
    copyFileSync(signed.certFile, join(cluster, 'server.crt'))
    copyFileSync(signed.keyFile, join(cluster, 'server.key'))
    const account = serverAccount()
    for (const name of ['server.crt', 'server.key']) {
      chmodSync(join(cluster, name), 0o600)
      if (account !== null) chownSync(join(cluster, name), account.uid, account.gid)
    }
    const hba = join(cluster, 'pg_hba.conf')
    // Only its owner, who starts it here, may come without.
    const owner = `host all ${new URL(server.url).username} 127.0.0.1/32 scram-sha-256\n`
    writeFileSync(hba, owner + readFileSync(hba, 'utf8').replaceAll(/^host(\s)/gm, 'hostssl$1'))
    appendFileSync(join(cluster, 'postgresql.auto.conf'), "ssl = on\nssl_min_protocol_version = 'TLSv1.2'\n")
    await server.stop()
    await server.start()
  })
  afterAll(async () => {
    await server?.end()
    authority?.remove()
    stranger?.remove()
  })

  const urlWith = (settings: Record<string, string>) => {
    const url = new URL(server.urlFor('calculation_service'))
    for (const [name, value] of Object.entries(settings)) url.searchParams.set(name, value)
    return url.href
  }
  const ask = async (url: string) => {
    const pool = connectDatabase(url, { applicationName: 'tls', connectionsMax: 1 })
    try {
      const { rows } = await pool.query('select ssl, version from pg_stat_ssl where pid = pg_backend_pid()')
      return rows[0]
    } finally {
      await pool.end()
    }
  }

  test('takes who knows its authority, and speaks TLS 1.2 or newer', async () => {
    expect(await ask(urlWith({ sslmode: 'verify-full', sslrootcert: caFile }))).toEqual({
      ssl: true,
      version: expect.stringMatching(/^TLSv1\.[23]$/),
    })
  })

  test('is not believed by who knows another authority', async () => {
    await expect(ask(urlWith({ sslmode: 'verify-full', sslrootcert: strangersFile }))).rejects.toThrow(
      /certificate|signature/,
    )
  })

  test('refuses who does not encrypt', async () => {
    await expect(ask(urlWith({}))).rejects.toMatchObject({ code: '28000' })
  })

  test('migrations speak TLS too', async () => {
    const url = new URL(server.urlFor('borrow_rate_migrator'))
    url.searchParams.set('sslmode', 'verify-full')
    url.searchParams.set('sslrootcert', caFile)
    expect((await status(url.href)).every(({ state }) => state === 'applied')).toBe(true)
    const plain = new pg.Client({ connectionString: server.urlFor('borrow_rate_migrator') })
    await expect(plain.connect()).rejects.toMatchObject({ code: '28000' })
  })
})
