import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { planned } from './examples/example.ts'
import { kubectlFound } from './gateway-objects.ts'
import { PlannedEnvironment } from './planned-environment.ts'
import { report } from './report.ts'
import { RULES } from './rules.ts'

const DATABASE = planned('aws_db_instance.main', { publicly_accessible: true })

describe('the report', () => {
  const { text, broken } = report(new PlannedEnvironment('prod', [DATABASE]))

  test('has a line for every rule', () => {
    for (const { id, title } of RULES) {
      const [line] = text.split('\n').filter((each) => new RegExp(`^ {2}(?:kept {2}|BROKEN) {2}${id} `).test(each))
      expect(line).toContain(title)
    }
  })

  test('says where, what, and what to do', () => {
    expect(text).toContain('aws_db_instance.main: publicly_accessible is true, not false')
    expect(text).toContain('To mend it: Set publicly_accessible to false.')
  })

  test('ends with how many are broken', () => {
    expect(broken).toBeGreaterThan(50)
    expect(text.trimEnd().split('\n').at(-1)).toMatch(
      new RegExp(`^prod: ${broken} of ${RULES.length} rules are broken, in \\d+ places$`),
    )
  })
})

const noKubectl = kubectlFound() ? undefined : 'no kubectl'
if (noKubectl !== undefined)
  console.warn('\nthe command that holds a plan against the rules is not run: no kubectl on this machine\n')

describe.skipIf(noKubectl !== undefined)('the command', () => {
  const folder = fileURLToPath(new URL('..', import.meta.url))
  const run = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'policy/check-plan.ts', ...words],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    )
    return { status, stdout, stderr }
  }

  test('ends with 1 when a plan breaks a rule', () => {
    const place = mkdtempSync(join(tmpdir(), 'policy-'))
    try {
      const path = join(place, 'plan.json')
      const change = { actions: ['create'], after: DATABASE.values, after_unknown: {} }
      const { address, type, name, values } = DATABASE
      writeFileSync(
        path,
        JSON.stringify({
          variables: { environment: { value: 'dev' } },
          planned_values: { root_module: { resources: [{ address, mode: 'managed', type, name, values }] } },
          resource_changes: [{ address, mode: 'managed', type, name, change }],
          configuration: { root_module: {} },
        }),
      )
      const { status, stdout } = run(path)
      expect(stdout).toContain('BROKEN  RDS.2 ')
      expect(stdout).toContain('dev: ')
      expect(status).toBe(1)
      writeFileSync(path, '{}')
      expect(run(path)).toMatchObject({ status: 2, stderr: expect.stringContaining('this is no plan') })
    } finally {
      rmSync(place, { recursive: true })
    }
  })

  test('ends with 2 when nothing is said', () => {
    expect(run()).toMatchObject({ status: 2, stderr: expect.stringContaining('npm run policy') })
  })
})
