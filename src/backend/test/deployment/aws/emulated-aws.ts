// Amazon's own command line, and an emulator of its services (moto) for it to talk to, as Debian trixie packages them. They lie in a folder of their own
// and run from there by their own loader, so that the machine's Python is neither asked nor changed, and files are those of the machine. The folder
// takes minutes to make and is kept in the system's cache. The command line is loaded once (aws-server.py).
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKeeper } from '../../../tools/keep.ts'
import { foundOrInstalled, howToInstall, onPath } from '../../debian-package.ts'
import { oneAtATime } from '../../one-at-a-time.ts'
import { until } from '../../until.ts'
import { freePorts } from '../image/ports.ts'
import { debianArchive } from '../image/stand-in-base.ts'

const CACHE = '/var/cache/borrow-rate-engine-tests'
const PACKAGES = ['awscli', 'python3-moto', 'python3-flask', 'python3-flask-cors', 'jq']
const MAKE_WAIT_MS = 900_000
const START_WAIT_MS = 60_000

/** What the machine's processor is called in the name of Debian's folders and of its loader. */
const LOADER: Readonly<Record<string, { folder: string; loader: string }>> = {
  x64: { folder: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { folder: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
}

export interface Ran {
  readonly status: number
  readonly output: string
}

export interface EmulatedAws {
  /** With `aws` and `jq`, for the front of PATH. */
  readonly bin: string
  /** Steers the command line, and every other client of AWS, to the emulator; HOME is a folder of this emulator's own. */
  readonly environment: Readonly<Record<string, string>>
  /** Runs lines of bash, as a person would who has set these variables. */
  run(lines: string, variables?: Readonly<Record<string, string>>): Promise<Ran>
  close(): Promise<void>
}

/** Null, or why the commands of AWS cannot be run on this machine. */
export function whyNoEmulatedAws(): string | null {
  if (LOADER[process.arch] === undefined) return `it is not known how Debian calls ${process.arch}`
  if (existsSync(toolsFolder())) return null
  if (process.getuid?.() !== 0) return 'making a folder with Debian in it needs root'
  return foundOrInstalled('debootstrap', () => onPath('debootstrap') !== null) ? null : howToInstall('debootstrap')
}

export async function startEmulatedAws(): Promise<EmulatedAws> {
  const tools = madeToolsFolder()
  const home = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-aws-'))
  const bin = join(home, 'bin')
  mkdirSync(bin)
  const socket = join(home, 'aws.socket')
  writeProgram(bin, 'aws', [...pythonWords(tools), '-S', join(import.meta.dirname, 'aws-client.py'), socket], tools)
  writeProgram(bin, 'jq', [...loaderWords(tools), join(tools, 'usr/bin/jq')], tools)
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const environment = {
    PATH: `${bin}:${process.env.PATH ?? '/usr/bin:/bin'}`,
    HOME: home,
    LC_ALL: 'C.UTF-8',
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'emulated',
    AWS_SECRET_ACCESS_KEY: 'emulated',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
  }
  const keeper = startKeeper()
  const [program = '', ...python] = pythonWords(tools)
  const start = (...words: string[]) => {
    const env = { ...environment, ...pythonEnvironment(tools) }
    const server = spawn(program, [...python, ...words], { env, stdio: 'ignore' })
    keeper.mind(server)
    return { server, ended: new Promise<void>((resolve) => server.once('exit', () => resolve())) }
  }
  const servers = [
    start(join(tools, 'usr/bin/moto_server'), '-H', '127.0.0.1', '-p', String(port)),
    start(join(import.meta.dirname, 'aws-server.py'), socket),
  ]
  const close = async () => {
    for (const { server, ended } of servers) {
      server.kill('SIGKILL')
      await ended
    }
    rmSync(home, { recursive: true, force: true })
  }
  const isThere = async () => existsSync(socket) && (await fetch(`${url}/moto-api/`).catch(() => null))?.ok === true
  try {
    await until('the emulator of AWS answers', START_WAIT_MS, async () => {
      if (servers.some(({ server }) => server.exitCode !== null)) throw new Error('the emulator of AWS has ended')
      return isThere()
    })
  } catch (error) {
    await close()
    throw error
  }
  return {
    bin,
    environment,
    run: (lines, variables = {}) => runLines(lines, home, { ...environment, ...variables }),
    close,
  }
}

function runLines(lines: string, cwd: string, env: Record<string, string>): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', lines], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk
    })
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk
    })
    child.on('error', reject)
    child.on('close', (status) => resolve({ status: status ?? -1, output: output.trim() }))
  })
}

function toolsFolder(): string {
  const recipe = createHash('sha256')
    .update(JSON.stringify([PACKAGES, process.arch]))
    .digest('hex')
  return join(CACHE, `aws-${recipe.slice(0, 12)}`)
}

function madeToolsFolder(): string {
  const folder = toolsFolder()
  if (!existsSync(folder)) oneAtATime('aws-tools', () => existsSync(folder) || makeToolsFolder(folder))
  return folder
}

/** The folder appears under its name when it is whole. */
function makeToolsFolder(folder: string): void {
  console.warn('Making a folder with the AWS command line and an emulator; this takes some minutes, once.')
  mkdirSync(CACHE, { recursive: true })
  const unfinished = mkdtempSync(join(CACHE, 'unfinished-'))
  try {
    chmodSync(unfinished, 0o755)
    make('tar', ['-C', unfinished, '-xf', debianArchive()])
    copyFileSync('/etc/resolv.conf', join(unfinished, 'etc/resolv.conf'))
    writeFileSync(join(unfinished, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    mkdirSync(join(unfinished, 'var/log/apt'), { recursive: true })
    mkdirSync(join(unfinished, 'var/cache/apt/archives/partial'), { recursive: true })
    make('chroot', [unfinished, 'apt-get', 'update'])
    make('chroot', [unfinished, 'apt-get', 'install', '-y', '--no-install-recommends', ...PACKAGES])
    make('chroot', [unfinished, 'apt-get', 'clean'])
    renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

function make(program: string, words: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, words, {
    encoding: 'utf8',
    timeout: MAKE_WAIT_MS,
    maxBuffer: 100_000_000,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
  })
  if (status !== 0)
    throw new Error(`${program} ${words.join(' ')} failed:\n${stdout.slice(-2000)}${stderr.slice(-2000)}`)
}

/** A program of the folder, started by the folder's own loader, with the folder's own libraries. */
function loaderWords(tools: string): string[] {
  const { folder, loader } = LOADER[process.arch]!
  const libraries = join(tools, 'usr/lib', folder)
  return [join(libraries, loader), '--library-path', libraries]
}

function pythonWords(tools: string): string[] {
  return [...loaderWords(tools), join(tools, 'usr/bin/python3')]
}

function pythonEnvironment(tools: string): Record<string, string> {
  return { PYTHONHOME: join(tools, 'usr'), PYTHONDONTWRITEBYTECODE: '1' }
}

function writeProgram(bin: string, name: string, words: readonly string[], tools: string): void {
  const settings = Object.entries(pythonEnvironment(tools)).map(([setting, value]) => `${setting}='${value}'`)
  const quoted = words.map((word) => `'${word}'`)
  writeFileSync(join(bin, name), `#!/bin/sh\nexec env ${settings.join(' ')} ${quoted.join(' ')} "$@"\n`, {
    mode: 0o755,
  })
}
