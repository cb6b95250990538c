// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${{ }} is GitHub's
// Expressions mean here what they mean to GitHub.
import { describe, expect, test } from 'vitest'
import { evaluate, filledIn } from './expressions.ts'

const CONTEXTS = {
  inputs: { version: '1.4.0', environment: 'prod' },
  needs: { 'deploy-canary': { result: 'skipped', outputs: { migrations: '2' } } },
  vars: {},
}
const failed = { failure: () => true, cancelled: () => false, success: () => false, always: () => true }

describe('an expression', () => {
  test.each([
    ["inputs.environment == 'prod' && 'production' || inputs.environment", 'production'],
    ["inputs.environment == 'dev' && 'production' || inputs.environment", 'prod'],
    ["(failure() || cancelled()) && needs.deploy-canary.result != 'skipped'", false],
    ['failure() && needs.deploy-canary.outputs.migrations == 2', true],
    ["vars.CANARY_STAGE_MINUTES || '10'", '10'],
    ['needs.deploy-canary.outputs.nothing.at.all', null],
    ["'It''s' != 'it''S'", false],
    ['!cancelled()', true],
    ["null == ''", true],
    ["toJSON(format('{0} \"of\" {1}', inputs.version, 'a\nb'))", '"1.4.0 \\"of\\" a\\nb"'],
  ])('%s', (expression, value) => {
    expect(evaluate(expression, CONTEXTS, failed)).toEqual(value)
  })

  test.each(['nothing.at.all', 'hashFiles(1)', "'open", '(1', '1 2', 'a > b', '==', "inputs['version']"])(
    '%s is not understood',
    (expression) => {
      expect(() => evaluate(expression, CONTEXTS)).toThrow(/"/)
    },
  )

  test('what it stands in is filled in', () => {
    expect(filledIn('role/${{ inputs.environment }}-${{ needs.deploy-canary.outputs.nothing }}', CONTEXTS)).toBe(
      'role/prod-',
    )
  })
})
