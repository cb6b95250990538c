// GitHub's expressions, as far as our workflows use them: `${{ needs.a.outputs.b == '' && failure() }}`. What is not understood is an error, never a guess.
// https://docs.github.com/en/actions/reference/evaluate-expressions-in-workflows-and-actions

export type Value = string | number | boolean | null | { readonly [name: string]: Value } | readonly Value[]
export type Contexts = Readonly<Record<string, Value>>
export type Functions = Readonly<Record<string, (...values: Value[]) => Value>>

type Token = { readonly kind: 'text' | 'number' | 'name' | 'sign'; readonly text: string }

const TOKEN = /\s*(?:'((?:[^']|'')*)'|(-?\d+(?:\.\d+)?)|([A-Za-z_][\w-]*)|(&&|\|\||==|!=|[().,[\]!]))/y

function tokensOf(expression: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  const source = expression.trim()
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex
    const found = TOKEN.exec(source)
    if (found === null) throw new Error(`"${expression}" is not understood from "${source.slice(at)}" on`)
    const [, text, number, name, sign] = found
    if (text !== undefined) tokens.push({ kind: 'text', text: text.replaceAll("''", "'") })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (name !== undefined) tokens.push({ kind: 'name', text: name })
    else tokens.push({ kind: 'sign', text: sign ?? '' })
  }
  return tokens
}

const WORDS: Readonly<Record<string, Value>> = { true: true, false: false, null: null }

/** @throws Error when it is not understood, or names a context that there is none of */
export function evaluate(expression: string, contexts: Contexts, functions: Functions = {}): Value {
  const known: Functions = { ...FUNCTIONS, ...functions }
  const tokens = tokensOf(expression)
  let at = 0
  const isNext = (sign: string) => tokens[at]?.kind === 'sign' && tokens[at]?.text === sign
  const take = (sign: string) => {
    if (!isNext(sign)) throw new Error(`"${expression}" has no ${sign} where it should`)
    at += 1
  }
  const either = (): Value => {
    let value = both()
    while (isNext('||')) {
      at += 1
      const other = both()
      value = isTrue(value) ? value : other
    }
    return value
  }
  const both = (): Value => {
    let value = compared()
    while (isNext('&&')) {
      at += 1
      const other = compared()
      value = isTrue(value) ? other : value
    }
    return value
  }
  const compared = (): Value => {
    const value = single()
    if (!isNext('==') && !isNext('!=')) return value
    const isEqual = tokens[at]?.text === '=='
    at += 1
    return areEqual(value, single()) === isEqual
  }
  const single = (): Value => {
    if (isNext('!')) {
      at += 1
      return !isTrue(single())
    }
    if (isNext('(')) {
      at += 1
      const value = either()
      take(')')
      return value
    }
    const token = tokens[at]
    at += 1
    if (token?.kind === 'text') return token.text
    if (token?.kind === 'number') return Number(token.text)
    if (token?.kind !== 'name') throw new Error(`"${expression}" ends too early`)
    if (token.text in WORDS) return WORDS[token.text] ?? null
    return isNext('(') ? called(token.text) : member(token.text)
  }
  const called = (name: string): Value => {
    const values: Value[] = []
    take('(')
    while (!isNext(')')) {
      values.push(either())
      if (isNext(',')) at += 1
    }
    take(')')
    const call = known[name]
    if (call === undefined) throw new Error(`"${expression}" calls ${name}, which is not known here`)
    return call(...values)
  }
  const member = (name: string): Value => {
    if (!(name in contexts)) throw new Error(`"${expression}" asks for ${name}, which is not given here`)
    let value: Value = contexts[name] ?? null
    while (isNext('.')) {
      at += 1
      const property = tokens[at]?.text ?? ''
      at += 1
      // What is not there is null, as it is with GitHub.
      value =
        typeof value === 'object' && value !== null && !Array.isArray(value)
          ? ((value as Contexts)[property] ?? null)
          : null
    }
    return value
  }
  const value = either()
  if (at < tokens.length) throw new Error(`"${expression}" is not understood from "${tokens[at]?.text}" on`)
  return value
}

/** A text with every `${{ }}` in it replaced. */
export function filledIn(text: string, contexts: Contexts, functions: Functions = {}): string {
  return text.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, expression: string) =>
    asText(evaluate(expression, contexts, functions)),
  )
}

export function isTrue(value: Value): boolean {
  return value !== null && value !== false && value !== 0 && value !== ''
}

export function asText(value: Value): string {
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Texts are compared without regard to capitals; what is of two kinds, as numbers. */
function areEqual(one: Value, other: Value): boolean {
  if (typeof one === 'string' && typeof other === 'string') return one.toLowerCase() === other.toLowerCase()
  return typeof one === typeof other ? one === other : asNumber(one) === asNumber(other)
}

function asNumber(value: Value): number {
  if (value === null || value === '') return 0
  return typeof value === 'object' ? Number.NaN : Number(value)
}

const FUNCTIONS: Functions = {
  format: (text, ...values) =>
    asText(text ?? null).replaceAll(/\{(\d+)\}/g, (_, index: string) => asText(values[Number(index)] ?? null)),
  toJSON: (value) => JSON.stringify(value ?? null, null, 2),
}
