// Whether there is a Redis to test on. As root on a machine with apt it is installed when it is missing, without its service.
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const PACKAGE = 'redis-server'
/** While this file says so, the installation of a package starts no service. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d'
const INSTALL_SECONDS_MAX = 180

/** What to type where there is none. */
export const HOW_TO_GET_REDIS = `apt-get install -y --no-install-recommends ${PACKAGE}`

export interface RedisPrograms {
  readonly server: string
  /** redis-cli: forms clusters. */
  readonly client: string
}

export function redisPrograms(): RedisPrograms | null {
  const [server, client] = [onPath('redis-server'), onPath('redis-cli')]
  return server === null || client === null ? null : { server, client }
}

/** Finds or installs it. INSTALL_TEST_SERVERS=0 forbids the installation. */
export function redisFoundOrInstalled(): boolean {
  if (redisPrograms() !== null) return true
  const mayInstall = process.env.INSTALL_TEST_SERVERS !== '0' && process.getuid?.() === 0 && onPath('apt-get') !== null
  if (!mayInstall) return false
  console.warn(`Installing ${PACKAGE} for the tests; no service is started.`)
  const madePolicy = !existsSync(SERVICE_POLICY)
  if (madePolicy) writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const install = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=60', PACKAGE]
    if (!apt(install) && apt(['update'])) apt(install)
  } finally {
    if (madePolicy) rmSync(SERVICE_POLICY, { force: true })
  }
  return redisPrograms() !== null
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

function onPath(program: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin']
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null
}
