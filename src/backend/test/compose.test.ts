// compose.yaml is read by Docker, which not every machine has. What can be held to the code without it, is.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readSigningKey } from '../audit/signing-key.ts'
import { SERVICE_ROLES } from '../database/service-users.ts'
import { readConfiguration, SETTINGS } from '../server/configuration.ts'
import { SERVICE_NAMES } from '../tools/local-cluster.ts'
import { hasOpenssl } from './certificates.ts'
import { BACKEND, PROJECT_ROOT } from './tidy/tree.ts'

interface ComposeService {
  readonly image?: string
  readonly command?: readonly string[]
  readonly ports?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly depends_on?: Readonly<Record<string, unknown>>
}

const compose = parse(readFileSync(join(PROJECT_ROOT, 'compose.yaml'), 'utf8'), { merge: true }) as {
  services: Record<string, ComposeService>
}
const defaultOf = (name: string) => SETTINGS.find((setting) => setting.name === name)?.defaultText
const ours = SERVICE_NAMES.map((name) => [name, compose.services[name]!] as const)

const folder = mkdtempSync(join(tmpdir(), 'compose-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('compose.yaml', () => {
  test('has the five services, each from the one image and run by its name', () => {
    for (const [name, service] of ours) {
      expect(service.command, name).toEqual([name])
      expect(service.image, name).toBe('borrow-rate-engine')
    }
  })

  test('opens the gateway alone, on loopback', () => {
    const open = Object.entries(compose.services).filter(([, service]) => service.ports !== undefined)
    const port = defaultOf('PORT')
    expect(open.map(([name, { ports }]) => [name, ports])).toEqual([['api-gateway', [`127.0.0.1:${port}:${port}`]]])
  })

  test.each(ours)('%s is given settings that exist and that it can read', (_, { environment = {} }) => {
    const names = SETTINGS.map((setting) => setting.name)
    expect(Object.keys(environment).filter((name) => !names.includes(name))).toEqual([])
    const configuration = readConfiguration({ HOST: '0.0.0.0', ...environment })
    expect(configuration.tls).not.toBeNull()
    expect(configuration.internalHost).toBe('0.0.0.0')
  })

  test.each(ours)('%s calls others by their names, at their ports', (_, { environment = {} }) => {
    const { calculationUrl, dataUrl, auditUrl } = readConfiguration(environment)
    for (const url of [calculationUrl, dataUrl, auditUrl]) {
      const { protocol, hostname, port } = new URL(url ?? '')
      expect(protocol).toBe('https:')
      expect(SERVICE_NAMES).toContain(hostname)
      expect(port).toBe(defaultOf('INTERNAL_PORT'))
    }
  })

  test('gives each service with a database the user that setup makes, and its password', () => {
    const setup = String(compose.services.setup?.command)
    for (const [name, { environment = {} }] of ours) {
      if (name === 'cache-service') {
        expect(environment.DATABASE_URL).toBeUndefined()
        continue
      }
      const role = name.replace('-', '_')
      expect(SERVICE_ROLES).toContain(role)
      expect(setup).toMatch(new RegExp(`for role in .*\\b${role}\\b`))
      expect(new URL(environment.DATABASE_URL ?? '').username).toBe(`${role}_user`)
      expect(environment.DATABASE_PASSWORD_FILE).toBe(`/secrets/${name}.password`)
    }
  })

  test('setup runs scripts that exist', () => {
    const scripts = [...String(compose.services.setup?.command).matchAll(/dist\/(scripts\/\w+)\.js/g)]
    expect(scripts.length).toBeGreaterThan(3)
    for (const [, script] of scripts)
      expect(readFileSync(join(PROJECT_ROOT, BACKEND, `${script}.ts`), 'utf8')).not.toBe('')
  })

  test('what is waited for is there', () => {
    const waitedFor = Object.values(compose.services).flatMap(({ depends_on }) => Object.keys(depends_on ?? {}))
    expect(waitedFor.filter((name) => !Object.hasOwn(compose.services, name))).toEqual([])
  })
})

describe.runIf(hasOpenssl)('the secrets that compose makes', () => {
  test('are certificates of one authority, under the names that services call each other by, and are made once', () => {
    const script = String(compose.services.secrets?.command).replaceAll('$$', '$').replaceAll('/secrets', folder)
    const make = () => execFileSync('sh', ['-euc', `chown() { :; }\n${script}`])
    make()
    const read = () =>
      [...SERVICE_NAMES, 'audit-public'].map((name) => readFileSync(join(folder, `${name}.pem`), 'utf8'))
    const made = read()
    make()
    expect(read()).toEqual(made)
    for (const [name, { environment = {} }] of ours) {
      const pathOf = (setting: string) => (environment[setting] ?? '').replace('/secrets', folder)
      const openssl = (...words: string[]) => execFileSync('openssl', words, { encoding: 'utf8' })
      const verified = openssl(
        'verify',
        '-CAfile',
        pathOf('TLS_CA_FILE'),
        '-verify_hostname',
        name,
        pathOf('TLS_CERT_FILE'),
      )
      expect(verified).toMatch(/: OK/)
      const keyOf = openssl('pkey', '-in', pathOf('TLS_KEY_FILE'), '-pubout')
      expect(openssl('x509', '-in', pathOf('TLS_CERT_FILE'), '-noout', '-pubkey')).toBe(keyOf)
      if (environment.AUDIT_SIGNING_KEY_FILE) {
        const { publicKeyPem } = readSigningKey(pathOf('AUDIT_SIGNING_KEY_FILE'))
        expect(readFileSync(join(folder, 'audit-public.pem'), 'utf8')).toBe(publicKeyPem)
      }
      if (environment.DATABASE_PASSWORD_FILE) {
        expect(readFileSync(pathOf('DATABASE_PASSWORD_FILE'), 'utf8')).toMatch(/^[0-9a-f]{48}\n$/)
      }
    }
  })
})
