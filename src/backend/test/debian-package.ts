// Servers that tests need beside the embedded PostgreSQL come from the machine: found, or as root on a machine with apt installed,
// without their services. INSTALL_TEST_SERVERS=0 forbids that.
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { oneAtATime } from './one-at-a-time.ts'

/** While this file says so, the installation of a package starts no service. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d'
const INSTALL_SECONDS_MAX = 180

/** Where a program is, also in the folders of servers that an ordinary user's PATH leaves out. */
export function onPath(program: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin']
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null
}

/** What to type for a package. */
export function howToInstall(name: string): string {
  return `apt-get install -y --no-install-recommends ${name}`
}

/** Installs the package unless `found` already. @returns whether it is found now. */
export function foundOrInstalled(name: string, found: () => boolean): boolean {
  if (found()) return true
  const mayInstall = process.env.INSTALL_TEST_SERVERS !== '0' && process.getuid?.() === 0 && onPath('apt-get') !== null
  if (!mayInstall) return false
  return oneAtATime('packages', () => {
    if (!found()) install(name)
    return found()
  })
}

function install(name: string): void {
  console.warn(`Installing ${name} for the tests; no service is started.`)
  const madePolicy = !existsSync(SERVICE_POLICY)
  if (madePolicy) writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const words = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=60', name]
    if (!apt(words) && apt(['update'])) apt(words)
  } finally {
    if (madePolicy) rmSync(SERVICE_POLICY, { force: true })
  }
}

function apt(argumentList: readonly string[]): boolean {
  try {
    execFileSync('apt-get', argumentList, {
      stdio: 'ignore',
      timeout: INSTALL_SECONDS_MAX * 1000,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    return true
  } catch {
    return false
  }
}
