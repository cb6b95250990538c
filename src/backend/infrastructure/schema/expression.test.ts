// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${} is Terraform's own notation here
// What an expression names, in all the places where a name may stand, and what only looks like one.
import { describe, expect, test } from 'vitest'
import { parseTemplate } from './expression.ts'
import { describeType, isConvertible, parseType } from './value-type.ts'

const named = (text: string) => parseTemplate(text).references.map((reference) => reference.text)

describe('parseTemplate', () => {
  test.each<[string, string, string[]]>([
    ['a text without one', 'borrow-rate-engine', []],
    ['one in a text', 'name-${var.environment}-x', ['var.environment']],
    ['two in a text', '${var.a}/${local.b}', ['var.a', 'local.b']],
    ['one with an instance', '${aws_subnet.app[count.index].id}', ['aws_subnet.app[count.index].id', 'count.index']],
    ['all instances', '${aws_subnet.app[*].id}', ['aws_subnet.app[*].id']],
    ['the old way of a number', '${aws_subnet.app.0.id}', ['aws_subnet.app.0.id']],
    ['a key in quotation marks', '${aws_subnet.app["a.b"].id}', ['aws_subnet.app["a.b"].id']],
    ['arguments of a function', '${cidrsubnet(var.vpc_cidr, 8, 3)}', ['var.vpc_cidr']],
    ['a text in an expression', '${format("%s-${var.a}", var.b)}', ['var.a', 'var.b']],
    ['a choice', '${var.a ? aws_x.b.c : null}', ['var.a', 'aws_x.b.c']],
    ['what a for has bound', '${[for s in aws_subnet.app : s.id]}', ['aws_subnet.app']],
    ['keys and values that a for has bound', '${{for k, v in var.map : k => v.id}}', ['var.map']],
    ['a data source', '${data.aws_region.current.name}', ['data.aws_region.current.name']],
    ['the sign itself', '$${var.not_read} %%{ if }', []],
    ['a policy in JSON', '{"Resource":"${aws_s3_bucket.audit.arn}/*"}', ['aws_s3_bucket.audit.arn']],
  ])('finds %s', (_, text, expected) => {
    expect(named(text).sort()).toEqual(expected.sort())
  })

  test('tells a reference from a text with one in it', () => {
    expect(parseTemplate('${var.a}').whole?.text).toBe('var.a')
    expect(parseTemplate('${var.a}-').whole).toBeUndefined()
    expect(parseTemplate('${upper(var.a)}').whole).toBeUndefined()
  })

  test('says when an expression or a string in it does not end', () => {
    expect(parseTemplate('${var.a').fault).toContain('does not end')
    expect(parseTemplate('${format("a, var.b)}').fault).toContain('does not end')
  })
})

describe('types', () => {
  test.each([
    'string',
    'list(string)',
    'map(list(number))',
    'object({name = string, sizes = set(number)})',
    'tuple([string, bool])',
  ])('%s is read and written the same', (text) => {
    expect(describeType(parseType(text))).toBe(text)
  })

  test('members of an object may be left out where it says so', () => {
    expect(parseType('object({ a = string, b = optional(number, max(1, 2)), c = optional(bool) })')).toEqual([
      'object',
      { a: 'string', b: 'number', c: 'bool' },
      ['b', 'c'],
    ])
  })

  test.each(['strings', 'list(string', 'list()', 'string number', '${string}'])('%s is none', (text) => {
    expect(() => parseType(text)).toThrow('is no type of a variable')
  })

  test('a number is a good text and a list a good set; a list is no text, a map no list', () => {
    expect(isConvertible('number', 'string')).toBe(true)
    expect(isConvertible(['list', 'string'], ['set', 'string'])).toBe(true)
    expect(isConvertible(['list', 'string'], 'string')).toBe(false)
    expect(isConvertible(['map', 'string'], ['list', 'string'])).toBe(false)
    expect(isConvertible('bool', 'number')).toBe(false)
  })
})
