// Files of values for variables: names, equal signs and literals, of the configuration language nothing else. A fault says the line.

export type Literal = string | number | boolean | null | Literal[] | { [name: string]: Literal }

export function parseTfvars(text: string): Record<string, Literal> {
  let at = 0
  const fail = (what: string): never => {
    throw new Error(`line ${text.slice(0, at).split('\n').length}: ${what}`)
  }
  const skip = (newlines: boolean) => {
    const space = newlines
      ? /(?:\s|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y
      : /(?:[ \t\r]|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y
    space.lastIndex = at
    at += space.exec(text)?.[0].length ?? 0
  }
  const take = (pattern: RegExp): string | undefined => {
    const sticky = new RegExp(pattern.source, 'y')
    sticky.lastIndex = at
    const found = sticky.exec(text)
    if (found === null) return undefined
    at += found[0].length
    return found[0]
  }
  const string = (): string => {
    const written = take(/"(?:[^"\\\n]|\\.)*"/) ?? fail('a string does not end')
    const inner = written.slice(1, -1)
    if (/(?<!\$)\$\{|(?<!%)%\{/.test(inner)) fail('a value may not be computed here')
    return JSON.parse(`"${inner}"`).replaceAll('$${', '${').replaceAll('%%{', '%{')
  }
  const literal = (): Literal => {
    skip(true)
    if (text[at] === '"') return string()
    const number = take(/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/)
    if (number !== undefined) return Number(number)
    if (take(/\[/) !== undefined) {
      const items: Literal[] = []
      for (;;) {
        skip(true)
        if (take(/\]/) !== undefined) return items
        items.push(literal())
        skip(true)
        if (take(/,/) === undefined && text[at] !== ']') fail('a comma or ] is needed in a list')
      }
    }
    if (take(/\{/) !== undefined) {
      const members: Record<string, Literal> = {}
      for (;;) {
        skip(true)
        if (take(/\}/) !== undefined) return members
        const name = text[at] === '"' ? string() : (take(/[A-Za-z_][\w-]*/) ?? fail('a name is needed in an object'))
        skip(false)
        if (take(/[=:]/) === undefined) fail(`= is needed after ${name}`)
        members[name] = literal()
        skip(false)
        take(/,/)
      }
    }
    const word = take(/[A-Za-z_][\w-]*/)
    if (word === 'true' || word === 'false') return word === 'true'
    if (word === 'null') return null
    return fail(word === undefined ? 'a value is needed' : `"${word}" is no value: nothing may be computed here`)
  }
  const values: Record<string, Literal> = {}
  for (;;) {
    skip(true)
    if (at >= text.length) return values
    const name = take(/[A-Za-z_][\w-]*/) ?? fail('a name is needed')
    if (Object.hasOwn(values, name)) fail(`"${name}" is set twice`)
    skip(false)
    if (take(/=/) === undefined) fail(`= is needed after ${name}`)
    values[name] = literal()
    skip(false)
    if (at < text.length && text[at] !== '\n') fail(`nothing may follow the value of ${name}`)
  }
}
