// The Dockerfiles, held to the rules, and what they put into the image for operators, run as it is.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { SETTINGS } from '../../server/configuration.ts'
import { BACKEND, PROJECT_ROOT } from '../tidy/tree.ts'
import { dockerfileFaults, readDockerfile } from './dockerfile-rules.ts'

const textOf = (path: string) => readFileSync(join(PROJECT_ROOT, path), 'utf8')
const engine = textOf(`${BACKEND}Dockerfile`)
const pooler = textOf('infrastructure/pgbouncer/Dockerfile')

describe('a Dockerfile', () => {
  test.each([
    ['of the engine', engine],
    ['of PgBouncer', pooler],
  ])('%s keeps to the rules', (_, text) => {
    expect(dockerfileFaults(text)).toEqual([])
  })

  test.each<[string, string | RegExp, string, RegExp]>([
    ['a base without a tag', 'DEBIAN_IMAGE=debian:trixie-slim', 'DEBIAN_IMAGE=debian', /debian has no tag/],
    [
      'the latest base',
      'ARG NODE_IMAGE=node:24-trixie-slim',
      'ARG NODE_IMAGE=node:latest',
      /node:latest may be another one tomorrow/,
    ],
    ['a base that is no argument', /FROM \$\{DEBIAN_IMAGE\}/, 'FROM debian:trixie-slim', /cannot be pinned by digest/],
    ['ADD', 'COPY . .', 'ADD . .', /ADD fetches/],
    ['root', /^USER .*$/m, '', /runs as root/],
    ['a user by name', 'USER 1000:1000', 'USER node', /USER node is no number/],
    ['root by number', 'USER 1000:1000', 'USER 0:0', /USER 0:0 is no number/],
    ['files of the user', 'USER 1000:1000', 'USER 1000:1000\nCOPY a b', /belongs to the user/],
    ['no health check', /^HEALTHCHECK .*$/m, '', /no HEALTHCHECK/],
    ['a health check that is none', /^HEALTHCHECK .*$/m, 'HEALTHCHECK NONE', /no HEALTHCHECK/],
    [
      'sources before packages',
      'COPY package.json package-lock.json ./',
      'COPY package.json package-lock.json ./\nCOPY . .',
      /all packages are installed again/,
    ],
    ['no lock file', 'COPY package.json package-lock.json', 'COPY package.json', /the lock file is not copied/],
    ['npm install', 'npm ci', 'npm install', /npm install takes what is new/],
    ['packages of development', '--omit=dev', '', /only development needs/],
    [
      'a label left out',
      /org\.opencontainers\.image\.revision="[^"]*" \\\n\s*/,
      '',
      /no label org\.opencontainers\.image\.revision/,
    ],
    ['a secret as an argument', 'ARG VERSION=', 'ARG NPM_TOKEN\nARG VERSION=', /a secret in ARG .*NPM_TOKEN/],
    [
      'a secret in the environment',
      'ENV NODE_ENV=production',
      'ENV NODE_ENV=production JWT_SECRET=x',
      /a secret in ENV .*JWT_SECRET/,
    ],
    [
      'arguments of the build before a layer',
      'RUN node --version',
      'ARG REVISION=x\nRUN node --version',
      /made anew each time/,
    ],
    ['recommended packages', ' --no-install-recommends', '', /without --no-install-recommends/],
    ['lists of packages', /rm -rf \/var\/lib\/apt\/lists\/\*[^\n]*/, 'true \\', /the lists of packages stay/],
    ['an old list of packages', 'apt-get update \\\n && ', '', /another layer fetched/],
    ['programs that change who runs them', /find \/ -xdev[^\n]*/, 'true', /change who runs them/],
    ['a script from the network', 'RUN node --version', 'RUN curl https://example.com/x | sh', /run unseen/],
    ['no init', '"tini", "--", ', '', /no tini/],
    ['a shell in between', 'CMD ["api-gateway"]', 'CMD api-gateway', /a shell's form/],
    ['no signal to stop', /^STOPSIGNAL .*$/m, '', /STOPSIGNAL/],
  ])('with %s is at fault', (_, before, after, fault) => {
    const changed = engine.replace(before, after)
    expect(changed).not.toBe(engine)
    expect(dockerfileFaults(changed)).toContainEqual(expect.stringMatching(fault))
  })
})

describe('the engine’s image', () => {
  const { stages } = readDockerfile(engine)
  const final = stages.at(-1)!.instructions
  const last = (word: string) => final.findLast((one) => one.word === word)?.text ?? ''
  const defaultOf = (name: string) => SETTINGS.find((setting) => setting.name === name)?.defaultText

  test('is the gateway unless told otherwise, on the ports of the settings', () => {
    expect(last('CMD')).toBe('["api-gateway"]')
    expect(last('EXPOSE')).toBe(`${defaultOf('PORT')} ${defaultOf('INTERNAL_PORT')}`)
    expect(last('HEALTHCHECK')).toContain('/health')
    const settings = [...last('ENV').matchAll(/(\w+)=/g)].map((match) => match[1] ?? '')
    expect(settings.filter((name) => name !== 'NODE_ENV' && defaultOf(name) === undefined)).toEqual([])
  })

  test('begins with the same Debian as PgBouncer’s: one base to keep up to date', () => {
    expect(stages.at(-1)?.image).toBe(readDockerfile(pooler).stages.at(-1)?.image)
  })

  test('what is left out of the context is neither a test nor a package', () => {
    const ignored = textOf(`${BACKEND}.dockerignore`).split('\n')
    for (const name of ['node_modules', 'dist', 'test', '**/*.test.ts', 'infrastructure', '.env']) {
      expect(ignored).toContain(name)
    }
  })
})

describe('what the image has for operators', () => {
  const folder = mkdtempSync(join(tmpdir(), 'image-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  // Says what it was started with.
  writeFileSync(join(folder, 'node'), '#!/bin/sh\necho "node $*"\n', { mode: 0o755 })
  const run = (program: string, words: readonly string[], environment: Record<string, string> = {}) =>
    spawnSync('sh', [join(PROJECT_ROOT, BACKEND, 'image', program), ...words], {
      encoding: 'utf8',
      env: { PATH: `${folder}:${process.env.PATH}`, ...environment },
    })

  test.each([
    ['-m scripts.run_migrations --command upgrade', '/app/dist/scripts/run_migrations.js --command upgrade'],
    ['-m scripts.run_migrations --command status', '/app/dist/scripts/run_migrations.js --command status'],
    [
      '-m scripts.run_migrations --command downgrade --steps 2',
      '/app/dist/scripts/run_migrations.js --command downgrade --steps 2',
    ],
    ['-m scripts.seed_data', '/app/dist/scripts/seed_data.js'],
    ['-m scripts.seed_data --demo', '/app/dist/scripts/seed_data.js --demo'],
  ])('python %s starts the script', (words, started) => {
    expect(run('python', words.split(' '))).toMatchObject({ status: 0, stdout: `node ${started}\n` })
  })

  test.each([
    [[]],
    [['-c', 'import psycopg2']],
    [['--version']],
    [['-m', 'scripts.run_migrations']],
    [['-m', 'scripts.run_migrations', 'upgrade']],
    [['-m', 'scripts.db_connections']],
    [['-m', '../scripts.seed_data']],
    [['scripts/seed_data.py']],
  ])('python %j is refused with one sentence and status 2', (words) => {
    const { status, stdout, stderr } = run('python', words)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^python: there is no Python here; [^\n]+\n$/)
  })

  test('the entrypoint starts the service that is named, and takes another program’s words as they are', () => {
    expect(run('entrypoint', ['api-gateway']).stdout).toMatch(
      /^node --enable-source-maps (--max-old-space-size=\d+ )?\/app\/dist\/services\/borrow-rate-engine\.js api-gateway$/m,
    )
    expect(run('entrypoint', ['node', 'dist/scripts/db_connections.js']).stdout).toBe(
      'node dist/scripts/db_connections.js\n',
    )
  })

  test('whoever has chosen the size of the heap has chosen it', () => {
    const { stdout } = run('entrypoint', ['api-gateway'], { NODE_OPTIONS: '--max-old-space-size=100' })
    expect(stdout).toBe('node --enable-source-maps /app/dist/services/borrow-rate-engine.js api-gateway\n')
  })

  test('its scripts are scripts', () => {
    for (const program of ['python', 'entrypoint']) {
      execFileSync('sh', ['-n', join(PROJECT_ROOT, BACKEND, 'image', program)])
    }
    execFileSync('bash', ['-n', join(PROJECT_ROOT, 'infrastructure/pgbouncer/entrypoint')])
  })
})
