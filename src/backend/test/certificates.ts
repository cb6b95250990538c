// Certificates for tests of TLS, made by openssl in a folder of their own: an authority, and what it signs.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TlsFiles } from '../server/internal-tls.ts'

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

export interface Authority {
  /** Makes a certificate for 127.0.0.1, localhost and this name; signing again under a name replaces its files. */
  sign(name: string): TlsFiles
  remove(): void
}

export function certificateAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'))
  const openssl = (...words: string[]) =>
    execFileSync('openssl', words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  openssl(
    'req',
    '-x509',
    ...NEW_KEY,
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  )
  return {
    sign(name) {
      writeFileSync(join(folder, 'names'), `subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:${name}\n`)
      openssl('req', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
      const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
      openssl('x509', '-req', '-in', `${name}.csr`, ...signing, '-out', `${name}.pem`)
      return {
        certFile: join(folder, `${name}.pem`),
        keyFile: join(folder, `${name}.key`),
        caFile: join(folder, 'ca.pem'),
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
