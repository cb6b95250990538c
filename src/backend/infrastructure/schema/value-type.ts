// The types of Terraform values, written as Terraform's own JSON writes them ("string", ["list", "string"], ["object", {...}]), and what
// Terraform converts by itself: the number 5 is a good string, the string "5" is a good number, the string "five" is not.

export type ValueType =
  | 'string'
  | 'number'
  | 'bool'
  | 'dynamic'
  | ['list', ValueType]
  | ['set', ValueType]
  | ['map', ValueType]
  | ['object', Record<string, ValueType>, string[]?]
  | ['tuple', ValueType[]]

/** As a person writes it in a variable: list(string), object({name = string}). */
export function describeType(type: ValueType): string {
  if (typeof type === 'string') return type === 'dynamic' ? 'any' : type
  if (type[0] === 'object')
    return `object({${Object.entries(type[1])
      .map(([name, member]) => `${name} = ${describeType(member)}`)
      .join(', ')}})`
  if (type[0] === 'tuple') return `tuple([${type[1].map(describeType).join(', ')}])`
  return `${type[0]}(${describeType(type[1])})`
}

/** Says where and why a literal value is not of a type; undefined when it is. A string with an interpolation is left to the caller. */
export function mismatch(
  value: unknown,
  type: ValueType,
  ofTemplate: (text: string) => ValueType | undefined,
): string | undefined {
  if (value === null || value === undefined || type === 'dynamic') return undefined
  if (typeof value === 'string' && value.includes('${')) {
    const found = ofTemplate(value)
    if (found === undefined || isConvertible(found, type)) return undefined
    return `${describeType(type)} needed, ${value} is ${describeType(found)}`
  }
  if (typeof type === 'string') {
    if (typeof value === 'object')
      return `${describeType(type)} needed, this is ${Array.isArray(value) ? 'a list' : 'an object'}`
    if (type === 'number' && !isNumeric(value)) return `number needed, this is ${JSON.stringify(value)}`
    if (type === 'bool' && String(value) !== 'true' && String(value) !== 'false')
      return `bool needed, this is ${JSON.stringify(value)}`
    return undefined
  }
  if (type[0] === 'list' || type[0] === 'set') {
    if (!Array.isArray(value)) return `${describeType(type)} needed, this is ${describeValue(value)}`
    return firstOf(value.map((item, index) => within(`[${index}]`, mismatch(item, type[1], ofTemplate))))
  }
  if (type[0] === 'tuple') {
    if (!Array.isArray(value) || value.length !== type[1].length) return `${describeType(type)} needed`
    return firstOf(
      value.map((item, index) => within(`[${index}]`, mismatch(item, type[1][index] ?? 'dynamic', ofTemplate))),
    )
  }
  if (typeof value !== 'object' || Array.isArray(value))
    return `${describeType(type)} needed, this is ${describeValue(value)}`
  const members = Object.entries(value)
  if (type[0] === 'map') return firstOf(members.map(([key, item]) => within(key, mismatch(item, type[1], ofTemplate))))
  const [, expected, optional = []] = type
  const missing = Object.keys(expected).find((name) => !(name in value) && !optional.includes(name))
  if (missing !== undefined) return `"${missing}" is missing`
  return firstOf(members.map(([key, item]) => within(key, mismatch(item, expected[key] ?? 'dynamic', ofTemplate))))
}

/** Whether Terraform takes a value of one type where another is asked for. */
export function isConvertible(from: ValueType, to: ValueType): boolean {
  if (from === 'dynamic' || to === 'dynamic' || from === to) return true
  if (typeof from === 'string' && typeof to === 'string')
    return !(from === 'bool' && to === 'number') && !(from === 'number' && to === 'bool')
  if (typeof from === 'string' || typeof to === 'string') return false
  const sequence = (type: ValueType) => type[0] === 'list' || type[0] === 'set' || type[0] === 'tuple'
  if (sequence(from) && sequence(to)) return isConvertible(memberOf(from), memberOf(to))
  if (from[0] === 'map' && to[0] === 'map') return isConvertible(from[1], to[1])
  return !sequence(from) && !sequence(to)
}

function memberOf(type: ValueType): ValueType {
  return typeof type !== 'string' && (type[0] === 'list' || type[0] === 'set') ? type[1] : 'dynamic'
}

/** A type written in a variable: "string", "list(string)", "object({a = string, b = optional(number)})". */
export function parseType(text: string): ValueType {
  let rest = text.trim()
  const eat = (pattern: RegExp): string | undefined => {
    const found = pattern.exec(rest)
    if (found === null) return undefined
    rest = rest.slice(found[0].length)
    return found[1] ?? found[0]
  }
  const demand = (pattern: RegExp): string => {
    const found = eat(pattern)
    if (found === undefined)
      throw new Error(`"${text}" is no type of a variable: ${pattern.source} expected before "${rest}"`)
    return found
  }
  const optionalMember = (): { type: ValueType; optional: boolean } => {
    if (eat(/^\s*optional\s*\(/) === undefined) return { type: one(), optional: false }
    const type = one()
    // What stands behind the comma is the default, which is of no interest to a type.
    let depth = 1
    let length = 0
    while (depth > 0 && length < rest.length) {
      const sign = rest[length++]
      if (sign === '(' || sign === '[' || sign === '{') depth++
      if (sign === ')' || sign === ']' || sign === '}') depth--
    }
    rest = rest.slice(length)
    return { type, optional: true }
  }
  const one = (): ValueType => {
    const word = demand(/^\s*([a-z]+)\s*/)
    if (word === 'string' || word === 'number' || word === 'bool') return word
    if (word === 'any') return 'dynamic'
    demand(/^\(\s*/)
    if (word === 'list' || word === 'set' || word === 'map') {
      const member = one()
      demand(/^\s*\)/)
      return [word, member]
    }
    if (word === 'tuple') {
      const members: ValueType[] = []
      demand(/^\[\s*/)
      while (eat(/^\s*\]/) === undefined) {
        members.push(one())
        eat(/^\s*,/)
      }
      demand(/^\s*\)/)
      return ['tuple', members]
    }
    if (word !== 'object') throw new Error(`"${text}" is no type of a variable: "${word}" is none`)
    const members: Record<string, ValueType> = {}
    const optional: string[] = []
    demand(/^\{\s*/)
    while (eat(/^\s*\}/) === undefined) {
      const name = demand(/^\s*"?([A-Za-z_][A-Za-z0-9_-]*)"?\s*[=:]\s*/)
      const member = optionalMember()
      members[name] = member.type
      if (member.optional) optional.push(name)
      eat(/^\s*,?\s*/)
    }
    demand(/^\s*\)/)
    return ['object', members, optional]
  }
  const type = one()
  if (rest.trim() !== '')
    throw new Error(`"${text}" is no type of a variable: nothing expected after "${text.slice(0, -rest.length)}"`)
  return type
}

function isNumeric(value: unknown): boolean {
  return (
    typeof value === 'number' || (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))
  )
}

function describeValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : JSON.stringify(value)
}

function within(place: string, fault: string | undefined): string | undefined {
  return fault === undefined ? undefined : `${place}: ${fault}`
}

function firstOf(faults: (string | undefined)[]): string | undefined {
  return faults.find((fault) => fault !== undefined)
}
