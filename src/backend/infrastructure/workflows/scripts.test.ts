// Scripts of the workflows that decide something, run by bash: on repositories of git made for it, and with programs on their path that say what the case is
// about. Those that deploy are run as a whole, by test/deployment/workflows.delivery.test.ts.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { PROJECT_ROOT } from './workflow.ts'

const folder = mkdtempSync(join(tmpdir(), 'workflow-scripts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const OUTPUT = join(folder, 'output')
const BIN = join(folder, 'bin')
let place = folder
let places = 0
beforeEach(() => {
  places += 1
  place = join(folder, String(places))
  for (const made of [place, BIN]) mkdirSync(made, { recursive: true })
  writeFileSync(OUTPUT, '')
})

interface Ran {
  readonly status: number | null
  readonly text: string
  readonly outputs: string
}

function run(script: string, variables: Readonly<Record<string, string>> = {}): Ran {
  const ran = spawnSync('bash', [join(PROJECT_ROOT, '.github/scripts', script)], {
    cwd: place,
    encoding: 'utf8',
    env: { PATH: `${BIN}:${process.env.PATH}`, HOME: folder, GITHUB_OUTPUT: OUTPUT, ...variables },
  })
  return { status: ran.status, text: ran.stdout + ran.stderr, outputs: readFileSync(OUTPUT, 'utf8') }
}

/** A program on the path that is these lines of bash. */
function program(name: string, lines: string): void {
  writeFileSync(join(BIN, name), `#!/bin/bash\n${lines}\n`, { mode: 0o755 })
}

describe('a version', () => {
  test.each(['1.4.0', '0.0.1', '10.20.30'])('%s is one', (version) => {
    expect(run('check_version.sh', { VERSION: version })).toMatchObject({ status: 0, outputs: `version=${version}\n` })
  })

  test.each(['', 'v1.4.0', '1.4', '1.4.0-rc.1', '01.4.0', '1.4.0\nb=2', '$(id)', '1.4.0; id'])(
    '%j is none',
    (version) => {
      expect(run('check_version.sh', { VERSION: version })).toMatchObject({ status: 1, outputs: '' })
    },
  )
})

describe('in a repository of git', () => {
  const git = (...words: string[]) => {
    const who = ['-c', 'user.name=Anna', '-c', 'user.email=anna@example.com', '-c', 'init.defaultBranch=main']
    return execFileSync('git', [...who, ...words], { cwd: place, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
  }
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(place, path)), { recursive: true })
    writeFileSync(join(place, path), text)
  }
  const says = (version: string, changelog: string) => {
    for (const path of ['package.json', 'src/backend/package.json']) write(path, JSON.stringify({ version }))
    write('CHANGELOG.md', changelog)
    git('add', '.')
    git('commit', '-qm', `says ${version}`)
  }
  /** As if it had been fetched from there. */
  const isAtOrigin = (branch: string) => git('update-ref', `refs/remotes/origin/${branch}`, 'HEAD')
  const CHANGELOG =
    '# Changelog\n\n## Unreleased\n\n- soon\n\n## 1.4.0 (2026-11-29)\n\n- a canary\n- a watch\n\n## 1.3.9\n\n- before\n'

  beforeEach(() => {
    git('init', '-q')
    says('1.4.0', CHANGELOG)
    git('tag', 'v1.4.0')
    isAtOrigin('main')
  })

  test('a release has the changelog’s section as its notes', () => {
    const ran = run('check_release.sh', { TAG: 'v1.4.0' })
    expect(ran, ran.text).toMatchObject({ status: 0, outputs: 'version=1.4.0\n' })
    expect(readFileSync(join(place, 'release-notes.md'), 'utf8')).toBe('- a canary\n- a watch\n\n')
  })

  test('a tag that package or changelog does not know, or that is on no branch of ours, is none', () => {
    git('tag', 'v1.4.1')
    expect(run('check_release.sh', { TAG: 'v1.4.1' }).text).toContain('package.json says 1.4.0, the tag says 1.4.1')
    says('1.5.0', CHANGELOG)
    git('tag', 'v1.5.0')
    expect(run('check_release.sh', { TAG: 'v1.5.0' }).text).toContain('has no section "## 1.5.0"')
    says('1.5.1', '## 1.5.1\n\n- more\n')
    git('tag', 'v1.5.1')
    expect(run('check_release.sh', { TAG: 'v1.5.1' }).text).toContain('neither on main nor on a branch of a hotfix')
    isAtOrigin('hotfix/fee')
    expect(run('check_release.sh', { TAG: 'v1.5.1' })).toMatchObject({ status: 0 })
  })

  test('a hotfix is the next patch of a release, without what is new on main', () => {
    says('1.5.0', '## 1.5.0\n\n- new\n')
    isAtOrigin('main')
    git('checkout', '-q', '-b', 'hotfix/fee', 'v1.4.0')
    says('1.4.1', '## 1.4.1\n\n- mended\n')
    expect(run('check_hotfix.sh').text).toBe('hotfix 1.4.1 of v1.4.0: 1 commits\n')
    says('1.4.2', '## 1.4.2\n\n- mended\n')
    expect(run('check_hotfix.sh')).toMatchObject({
      status: 1,
      text: expect.stringContaining('a hotfix of v1.4.0 is 1.4.1'),
    })
    says('1.4.1', '## 1.4.0\n\n- before\n')
    expect(run('check_hotfix.sh')).toMatchObject({ status: 1, text: expect.stringContaining('no section "## 1.4.1"') })
    git('checkout', '-q', '-b', 'hotfix/more', 'refs/remotes/origin/main')
    says('1.4.1', '## 1.4.1\n\n- mended\n')
    expect(run('check_hotfix.sh')).toMatchObject({ status: 1, text: expect.stringContaining('has commits of main') })
  })

  test('a hotfix that was released and is not on main is named until it is', () => {
    expect(run('check_merge_back.sh')).toMatchObject({ status: 0 })
    git('checkout', '-q', '-b', 'hotfix/fee', 'v1.4.0')
    says('1.4.1', '## 1.4.1\n\n- mended\n')
    isAtOrigin('hotfix/fee')
    // It is being worked on.
    expect(run('check_merge_back.sh')).toMatchObject({ status: 0 })
    git('tag', 'v1.4.1')
    expect(run('check_merge_back.sh')).toMatchObject({ status: 1, text: 'not merged back into main: hotfix/fee\n' })
    git('checkout', '-q', '-b', 'main-now', 'refs/remotes/origin/main')
    git('merge', '-q', '--no-ff', '-m', 'merges the hotfix', 'hotfix/fee')
    isAtOrigin('main')
    expect(run('check_merge_back.sh')).toMatchObject({ status: 0 })
  })

  describe('the release before', () => {
    const told = join(folder, 'environment')
    const previous = () => {
      writeFileSync(told, '')
      const ran = run('previous_engine.sh', { PREVIOUS_FOLDER: join(place, 'previous'), GITHUB_ENV: told })
      return { ...ran, environment: readFileSync(told, 'utf8') }
    }
    const commit = (path: string) => {
      write(path, '')
      git('add', '.')
      git('commit', '-qm', path)
    }
    /** A release whose build leaves its own name. */
    const releases = (version: string) => {
      for (const script of ['install', 'build'])
        write(`src/backend/scripts/${script}.mjs`, `console.log('${script} of ${version}')`)
      says(version, `## ${version}\n\n- new\n`)
      git('tag', `v${version}`)
    }

    test('is built beside this commit, and never this one', () => {
      releases('1.5.0')
      releases('1.6.0')
      const ran = previous()
      expect(ran, ran.text).toMatchObject({ status: 0 })
      expect(ran.text).toContain('install of 1.5.0\nbuild of 1.5.0\nbuilt v1.5.0\n')
      const program = join(place, 'previous/src/backend/dist/services/borrow-rate-engine.js')
      expect(ran.environment).toBe(`PREVIOUS_ENGINE=${program}\n`)
    })

    test('is not tried where there is none, or where something was taken away from it', () => {
      expect(previous()).toMatchObject({
        status: 0,
        text: 'There is no release before this commit.\n',
        environment: '',
      })
      releases('1.5.0')
      commit('src/backend/database/migrations/0016_more.sql')
      commit('src/backend/database/migrations/0017_less_contract.sql')
      expect(previous()).toMatchObject({
        status: 0,
        text: expect.stringContaining(
          'v1.5.0 does not start on this structure, and is not meant to: src/backend/database/',
        ),
        environment: '',
      })
    })
  })
})

describe('the order of an upgrade', () => {
  const step = (phase: string, cluster: string, nodes: string, more: { target?: string; allowed?: number } = {}) => {
    program('aws', `echo ${cluster}`)
    const budgets = JSON.stringify({
      items: [{ metadata: { name: 'api-gateway-pdb' }, status: { disruptionsAllowed: more.allowed ?? 1 } }],
    })
    program('kubectl', `case "$*" in *nodes*) printf '%s\\n' ${nodes} ;; *) echo '${budgets}' ;; esac`)
    const { status, text } = run('check_upgrade_order.sh', { ENV: 'dev', PHASE: phase, TARGET: more.target ?? '1.36' })
    return `${status} ${text}`
  }

  test('control plane, then nodes, then done', () => {
    expect(step('control-plane', '1.35', 'v1.35.4-eks-1 v1.35.2-eks-9')).toMatch(/^0 /)
    expect(step('nodes', '1.36', 'v1.35.4-eks-1')).toMatch(/^0 /)
    expect(step('after', '1.36', 'v1.36.0-eks-1')).toMatch(/^0 /)
  })

  test.each([
    ['control-plane', '1.34', 'v1.34.1', {}, 'the next is 1.35, and not 1.36'],
    ['control-plane', '1.35', 'v1.34.1', {}, 'the last upgrade is not done'],
    ['nodes', '1.35', 'v1.35.1', {}, 'it comes before the nodes'],
    ['nodes', '1.35', 'v1.36.1', {}, 'before the control plane'],
    ['nodes', '1.36', 'v1.35.1', { allowed: 0 }, 'No pod may go of: api-gateway-pdb'],
    ['after', '1.36', 'v1.35.1 v1.36.0', {}, 'not 1.36'],
    ['before', '1.35', 'v1.35.1', {}, 'is no phase'],
    ['nodes', '1.36', 'v1.35.1', { target: '1.36.2' }, 'is no version of Kubernetes'],
  ])('%s with %s and nodes %s %j is refused: %s', (phase, cluster, nodes, more, why) => {
    const said = step(phase, cluster, nodes, more)
    expect(said).toMatch(/^1 /)
    expect(said).toContain(why)
  })
})

describe('what a commit’s images are called', () => {
  const SHA = 'a'.repeat(40)
  /** @param there tags that the registry has, each with those of the same image */
  const tags = (there: Readonly<Record<string, string>>, releases: string) => {
    mkdirSync(join(place, 'src/backend'), { recursive: true })
    writeFileSync(join(place, 'src/backend/package.json'), JSON.stringify({ version: '1.4.0' }))
    const cases = Object.entries(there).map(
      ([tag, all]) => `*imageTag=${tag}*) printf '%s\\n' '${all.replaceAll(' ', '\t')}' ;;`,
    )
    program('aws', `case "$*" in ${cases.join(' ')} *) exit 254 ;; esac`)
    const { status, outputs } = run('image_tags.sh', { ECR_REPO: 'here', GITHUB_SHA: SHA, RELEASES: releases })
    expect(status).toBe(0)
    return outputs
  }

  test('the first commit that says a version is that version, the next ones are themselves', () => {
    const first = tags({}, 'true')
    expect(first).toContain('version=1.4.0\nbuild=true\n')
    expect(first).toContain(`tags<<END\nhere/borrow-rate-engine:${SHA}\nhere/borrow-rate-engine:1.4.0\nEND\n`)
    expect(tags({ '1.4.0': '1.4.0' }, 'true')).toContain(`version=${SHA}\nbuild=true\n`)
  })

  test('a second run of the same commit builds nothing and is called the same', () => {
    const both = `${SHA} 1.4.0`
    expect(tags({ '1.4.0': both, [SHA]: both }, 'true')).toContain('version=1.4.0\nbuild=false\n')
  })

  test('a feature branch never takes a version', () => {
    expect(tags({}, '')).toContain(`version=${SHA}\nbuild=true\n`)
  })
})

describe('an image', () => {
  const looked = (digest: string, scan: string) => {
    program(
      'aws',
      `case "$*" in *scan-findings*) echo '${scan}' ;; *describe-images*) ${digest === '' ? 'exit 254' : `echo ${digest}`} ;; esac`,
    )
    const { status, text } = run('check_image.sh', {
      VERSION: '1.4.0',
      EXPECTED_DIGEST: 'sha256:a',
      SCAN_TRIES: '2',
      SCAN_WAIT_SECONDS: '0',
    })
    return `${status} ${text}`
  }

  test('that staging ran and whose scan found nothing critical may go on', () => {
    expect(looked('sha256:a', '["COMPLETE",{"HIGH":2}]')).toMatch(/^0 image of 1.4.0: sha256:a, scanned: \{"HIGH":2\}/)
    expect(looked('sha256:a', '["ACTIVE",null]')).toMatch(/^0 /)
  })

  test.each([
    ['', '["COMPLETE",{}]', 'The registry has no image of 1.4.0'],
    ['sha256:b', '["COMPLETE",{}]', 'is sha256:b, and staging ran sha256:a'],
    ['sha256:a', '["COMPLETE",{"CRITICAL":1,"HIGH":2}]', 'has 1 critical findings'],
    ['sha256:a', '["IN_PROGRESS",null]', 'is not done'],
    ['sha256:a', '["FAILED",null]', 'could not scan'],
  ])('%s with scan %s may not: %s', (digest, scan, why) => {
    expect(looked(digest, scan)).toContain(why)
    expect(looked(digest, scan)).toMatch(/^1 /)
  })

  test('goes from staging to production with its digest and attestations; what is there already stays', () => {
    const log = join(place, 'log')
    program('skopeo', `echo "skopeo $*" >>'${log}'; case $1 in login) cat >/dev/null ;; esac`)
    program('aws', `case "$*" in *login*) echo password ;; *pgbouncer*) exit 0 ;; *) exit 254 ;; esac`)
    const variables = { VERSION: '1.4.0', REGISTRY: 'here', RUNNER_TEMP: place }
    expect(run('take_image.sh', variables).status).toBe(0)
    expect(run('give_image.sh', { ...variables, REGISTRY: 'there' }).text).toContain(
      'borrow-rate-engine-pgbouncer:1.4.0 is there',
    )
    const copy = 'skopeo copy --all --preserve-digests'
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
      'skopeo login --username AWS --password-stdin here',
      `${copy} docker://here/borrow-rate-engine:1.4.0 oci-archive:images/borrow-rate-engine.tar:1.4.0`,
      `${copy} docker://here/borrow-rate-engine-pgbouncer:1.4.0 oci-archive:images/borrow-rate-engine-pgbouncer.tar:1.4.0`,
      'skopeo login --username AWS --password-stdin there',
      `${copy} oci-archive:images/borrow-rate-engine.tar:1.4.0 docker://there/borrow-rate-engine:1.4.0`,
    ])
  })
})

describe('what runs', () => {
  test('before the first deployment is nothing; when AWS cannot be asked, nothing goes on', () => {
    program('aws', 'echo "An error occurred (ParameterNotFound)" >&2; exit 254')
    expect(run('previous_version.sh', { ENV: 'prod' })).toMatchObject({ status: 0, outputs: 'version=\n' })
    program('aws', 'echo "An error occurred (AccessDenied)" >&2; exit 254')
    expect(run('previous_version.sh', { ENV: 'prod' })).toMatchObject({
      status: 1,
      text: expect.stringContaining('AccessDenied'),
    })
  })

  test('is kept under both of production’s names, and not twice', () => {
    const log = join(place, 'log')
    program(
      'aws',
      `case "$*" in *get-parameter*/prod/*) echo 1.4.0 ;; *get-parameter*) echo 1.3.0 ;; *) echo "$*" >>'${log}' ;; esac`,
    )
    expect(run('record_version.sh', { ENV: 'prod', VERSION: '1.4.0' }).status).toBe(0)
    expect(readFileSync(log, 'utf8')).toBe(
      'ssm put-parameter --name /borrow-rate-engine/production/deployed-version --value 1.4.0 --type String --overwrite --query Version --output text\n',
    )
  })

  test('and is of another version is not undone', () => {
    program(
      'kubectl',
      `case "$*" in
         *'get deployment/cache-service'*) printf here/borrow-rate-engine:1.3.9 ;;
         *'get deployment/'*) printf here/borrow-rate-engine:1.4.0 ;;
         *) echo "$*" ;;
       esac`,
    )
    const undo = (version: string) => run('undo_rollout.sh', { ENV: 'staging', VERSION: version, ECR_REPO: 'here' })
    const { text } = undo('1.4.0')
    expect(text).toContain('undone: api-gateway calculation-service data-service audit-service\n')
    expect(text.match(/rollout undo/g)).toHaveLength(4)
    expect(undo('1.5.0').text).toBe('no service has the image of 1.5.0\n')
  })

  test.each([
    ['0', 0, 'no migration to take back'],
    ['100', 1, 'is no number of migrations'],
    ['1; id', 1, 'is no number of migrations'],
  ])('%s migrations to take back: %i, %s', (migrations, status, words) => {
    const ran = run('take_back_migrations.sh', {
      ENV: 'prod',
      VERSION: '1.4.0',
      ECR_REPO: 'here',
      MIGRATIONS: migrations,
    })
    expect(ran).toMatchObject({ status, text: expect.stringContaining(words) })
  })
})

test('the list of parts has every package that runs in production, with its version, and none that only tests', () => {
  const { status, stderr } = spawnSync(join(PROJECT_ROOT, '.github/scripts/sbom.sh'), {
    cwd: PROJECT_ROOT,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: folder, OUT: place, NPM_CONFIG_UPDATE_NOTIFIER: 'false' },
  })
  expect(status, stderr).toBe(0)
  const list = JSON.parse(readFileSync(join(place, 'borrow-rate-engine.cdx.json'), 'utf8')) as {
    bomFormat: string
    components: { name: string; version: string; purl: string }[]
  }
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(PROJECT_ROOT, 'src/backend/package.json'), 'utf8'),
  )
  const purls = list.components.map(({ purl }) =>
    decodeURIComponent(purl)
      .replace(/@[^@]*$/, '')
      .replace('pkg:npm/', ''),
  )
  expect(purls).toEqual(expect.arrayContaining(Object.keys(dependencies)))
  const tools = ['@biomejs/biome', 'tsx', 'typescript', 'vitest']
  expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining(tools))
  expect(tools.filter((name) => purls.includes(name))).toEqual([])
  expect(list.components.every(({ version }) => /^\d/.test(version))).toBe(true)
})
