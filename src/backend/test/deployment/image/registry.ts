// A registry of images on this machine, Debian's, with a name and a password as a real one has: what is pushed is read back from it.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startKeeper } from '../../../tools/keep.ts'
import { foundOrInstalled, onPath } from '../../debian-package.ts'

export interface Registry {
  /** `127.0.0.1:41234` */
  readonly address: string
  readonly user: string
  readonly password: string
  /** The digest of what stands there under a tag; null when nothing does. */
  digestOf(image: string, tag: string): Promise<string | null>
  stop(): Promise<void>
}

const USER = 'AWS'
const PASSWORD = 'a-token-of-twelve-hours'
const READY_WAIT_MS = 10_000
const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'

export function registryFoundOrInstalled(): boolean {
  return foundOrInstalled('docker-registry', () => onPath('docker-registry') !== null)
}

export async function startRegistry(port: number): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-registry-'))
  const address = `127.0.0.1:${port}`
  // The only form of password that it takes is bcrypt's, which the system's crypt() knows.
  const salt = '$2y$05$abcdefghijklmnopqrstuu'
  const hash = execFileSync('perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', PASSWORD, salt], { encoding: 'utf8' })
  writeFileSync(join(folder, 'htpasswd'), `${USER}:${hash}\n`)
  writeFileSync(
    join(folder, 'config.yml'),
    `version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: ${join(folder, 'images')} } }
http: { addr: "${address}" }
auth: { htpasswd: { realm: registry, path: ${join(folder, 'htpasswd')} } }
`,
  )
  const child = spawn(onPath('docker-registry') as string, ['serve', join(folder, 'config.yml')], {
    stdio: 'ignore',
    detached: true,
  })
  startKeeper().mind(child)
  const authorization = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`
  const ask = (path: string) =>
    fetch(`http://${address}/v2/${path}`, { method: 'HEAD', headers: { authorization, accept: MANIFEST } })
  const deadline = performance.now() + READY_WAIT_MS
  while (!(await ask('').catch(() => null))?.ok) {
    if (performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error('docker-registry did not start')
    }
    await sleep(50)
  }
  return {
    address,
    user: USER,
    password: PASSWORD,
    digestOf: async (image, tag) => (await ask(`${image}/manifests/${tag}`)).headers.get('docker-content-digest'),
    async stop() {
      const gone = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
