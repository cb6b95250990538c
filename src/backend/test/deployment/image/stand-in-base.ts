// Stand-ins for the images that a Dockerfile begins with, where the published ones cannot be fetched: Debian as debootstrap makes it, and
// the same with this machine's node and npm where the published image has them. Nearly the published sizes: documents, manuals and
// languages are left out there too. Making Debian takes half a minute, so the archive is kept in the system's cache.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { oneAtATime } from '../../one-at-a-time.ts'

const CACHE = '/var/cache/borrow-rate-engine-tests'
const RELEASE = 'trixie'
const NOT_IN_A_SLIM_IMAGE = [
  'var/cache/apt',
  'var/lib/apt/lists',
  'var/log',
  'usr/share/doc',
  'usr/share/man',
  'usr/share/info',
  'usr/share/locale',
]

/** Debian, as a tar archive, made when it is not there. @returns the file */
export function debianArchive(): string {
  const words = ['--variant=minbase', '--include=ca-certificates', RELEASE]
  const recipe = JSON.stringify([words, NOT_IN_A_SLIM_IMAGE, process.arch])
  const file = join(CACHE, `debian-${RELEASE}-${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}.tar`)
  if (!existsSync(file)) oneAtATime('debian', () => existsSync(file) || makeDebian(words, file))
  return file
}

function makeDebian(words: readonly string[], file: string): void {
  mkdirSync(CACHE, { recursive: true })
  const folder = mkdtempSync(join(CACHE, 'unfinished-'))
  try {
    const root = join(folder, 'root')
    run('debootstrap', [...words.slice(0, 2), RELEASE, root, ...machinesMirror()])
    for (const path of NOT_IN_A_SLIM_IMAGE) {
      for (const name of existsSync(join(root, path)) ? readdirSync(join(root, path)) : []) {
        rmSync(join(root, path, name), { recursive: true, force: true })
      }
    }
    run('tar', ['-C', root, '-cf', join(folder, 'archive'), '.'])
    renameSync(join(folder, 'archive'), file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * A build context for an image with node and npm in /usr/local, and what this machine's npm needs to reach its registry.
 * The caller removes it.
 */
export function nodeContext(debianImage: string): string {
  const context = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-node-image-'))
  const local = join(context, 'files/usr/local')
  mkdirSync(join(local, 'bin'), { recursive: true })
  mkdirSync(join(local, 'lib/node_modules'), { recursive: true })
  mkdirSync(join(local, 'etc'), { recursive: true })
  cpSync(realpathSync(process.execPath), join(local, 'bin/node'))
  cpSync(npmFolder(), join(local, 'lib/node_modules/npm'), { recursive: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'))
  writeFileSync(join(local, 'etc/npmrc'), `registry=${npmSays('config', 'get', 'registry')}\n`)
  const authorities = extraAuthorities()
  if (authorities !== null) {
    mkdirSync(join(context, 'files', dirname(authorities)), { recursive: true })
    cpSync(realpathSync(authorities), join(context, 'files', authorities))
  }
  writeFileSync(join(context, 'Dockerfile'), `FROM ${debianImage}\nCOPY files/ /\n`)
  return context
}

/** The file of certificates that this machine's Node believes beside its own, when there is one. */
export function extraAuthorities(): string | null {
  const file = process.env.NODE_EXTRA_CA_CERTS
  return file && existsSync(file) ? file : null
}

/** Where this machine has its Debian packages from; nothing: debootstrap's own choice. */
function machinesMirror(): string[] {
  const folder = '/etc/apt/sources.list.d'
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ]
  const text = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'))
  const mirror = /^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(\S+\/debian)\/?(?:\s|$)/m.exec(text.join('\n'))?.[1]
  return mirror === undefined ? [] : [mirror]
}

function npmFolder(): string {
  const folder = join(npmSays('root', '--global'), 'npm')
  if (!existsSync(folder)) throw new Error(`npm itself is not in ${folder}`)
  return folder
}

function npmSays(...words: string[]): string {
  return execFileSync('npm', words, { encoding: 'utf8' }).trim()
}

function run(program: string, words: readonly string[]): void {
  try {
    execFileSync(program, words, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 100_000_000 })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: Buffer; stderr?: Buffer }
    throw new Error(`${program} failed:\n${String(stdout).slice(-2000)}${String(stderr).slice(-2000)}`)
  }
}
