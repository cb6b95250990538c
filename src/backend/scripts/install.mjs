// Installs the packages of src/backend, or of the folder below it that is named, when they are not what the lock file says, and does
// nothing otherwise, so that it can stand in front of every root script. Plain JavaScript without dependencies: it runs before anything is installed.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { oneAtATime } from './one-at-a-time.mjs'

const NODE_MAJOR_MIN = 20
const NODE_MINOR_MIN = 19 // of 20; a newer major has what we need
const PROGRESS_EVERY_MS = 2_000

const named = process.argv[2]
const folder = fileURLToPath(new URL(named === undefined ? '..' : `../${named}/`, import.meta.url))
const stampFile = `${folder}node_modules/.installed-for`

refuseOldNode()
if (!isInstalled()) {
  await oneAtATime(`${folder}.lock-install`, 'installing packages', async () => {
    if (isInstalled()) return
    if (isInstalledByHand()) writeFileSync(stampFile, stamp())
    else await install()
  })
}

function refuseOldNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > NODE_MAJOR_MIN || (major === NODE_MAJOR_MIN && minor >= NODE_MINOR_MIN)) return
  console.error(
    `This project needs Node ${NODE_MAJOR_MIN}.${NODE_MINOR_MIN} or newer (24 is best); this is ${process.versions.node}.`,
  )
  process.exit(1)
}

/** What the installed packages depend on: another lock file, Node, system or processor means another installation. */
function stamp() {
  const lock = createHash('sha256')
    .update(readFileSync(`${folder}package-lock.json`))
    .digest('hex')
  return `${lock} node-${process.versions.node.split('.')[0]} ${process.platform}-${process.arch}\n`
}

function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp()
}

/**
 * Whether a person ran npm here already: npm's own list of what it put into node_modules has every package of the lock file
 * that this platform needs, and none in another version. Installing again would only pull the packages from under running work.
 */
function isInstalledByHand() {
  const present = readPackages(`${folder}node_modules/.package-lock.json`)
  const locked = readPackages(`${folder}package-lock.json`)
  if (present === null || locked === null) return false
  // An optional package is needed when it is this platform's binary.
  const isNeeded = ({ optional, os, cpu, libc }) =>
    !optional || Boolean(os?.includes(process.platform) && cpu?.includes(process.arch) && !libc)
  return (
    Object.entries(present).every(([path, about]) => locked[path]?.version === about.version) &&
    Object.entries(locked).every(
      ([path, about]) => path === '' || !isNeeded(about) || present[path]?.version === about.version,
    )
  )
}

function readPackages(lockFile) {
  return existsSync(lockFile) ? JSON.parse(readFileSync(lockFile, 'utf8')).packages : null
}

async function install() {
  const startedAt = Date.now()
  process.stdout.write(`Installing packages${named === undefined ? '' : ` of ${named}`} (only when they changed) .`)
  const progress = setInterval(() => process.stdout.write('.'), PROGRESS_EVERY_MS)
  const { code, output } = await npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  clearInterval(progress)
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  if (code !== 0) {
    console.log(' failed.')
    console.error(output.trimEnd())
    console.error(`\nThe packages could not be installed (npm ci in ${folder} ended with ${code} after ${seconds} s).`)
    process.exitCode = 1
    return
  }
  writeFileSync(stampFile, stamp())
  console.log(` ${seconds} s`)
}

/** Runs the npm that runs us, else the one on the path, and collects what it says. */
function npm(argumentList) {
  const running = process.env.npm_execpath
  const [command, first] = running?.endsWith('.js') ? [process.execPath, [running]] : ['npm', []]
  return new Promise((resolve) => {
    // A production setting of the caller would leave the compiler out; the build needs it.
    const env = { ...process.env, NODE_ENV: 'development' }
    const child = spawn(command, [...first, ...argumentList], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', (error) => resolve({ code: 1, output: `npm did not start: ${error.message}` }))
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output }))
    process.on('exit', () => child.kill())
  })
}
