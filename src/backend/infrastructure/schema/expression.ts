// The references in a string of Terraform's JSON: "${aws_subnet.app[count.index].id}" speaks of a resource's attribute and of the instance's number.
// This is no evaluator. It finds what an expression names, so that a name that leads nowhere is found without Terraform.

export type Step = { name: string } | { index: true } | { splat: true }

export interface Reference {
  /** "var", "local", "data", "each", a resource type, … */
  root: string
  steps: Step[]
  /** As it is written. */
  text: string
}

export interface Template {
  references: Reference[]
  /** The reference that the whole string is, when it is nothing more: then it has the reference's type. */
  whole: Reference | undefined
  /** Undefined, or what is wrong with the string itself. */
  fault: string | undefined
}

export function parseTemplate(text: string): Template {
  const references: Reference[] = []
  let whole: Reference | undefined
  let at = 0
  try {
    while (at < text.length) {
      const next = /\$\$\{|%%\{|\$\{|%\{/g
      next.lastIndex = at
      const found = next.exec(text)
      if (found === null) break
      at = found.index + found[0].length
      // Written twice, the sign stands for itself.
      if (found[0].length === 3) continue
      const end = endOfExpression(text, at)
      const inner = text.slice(at, end)
      const here = referencesIn(inner)
      references.push(...here)
      if (found.index === 0 && end === text.length - 1 && here.length > 0 && here[0]!.text === inner.trim())
        whole = here[0]
      at = end + 1
    }
    return { references, whole, fault: undefined }
  } catch (error) {
    return { references, whole: undefined, fault: error instanceof Error ? error.message : String(error) }
  }
}

/** A bare expression, as depends_on has it. */
export function parseReference(text: string): Reference | undefined {
  return referencesIn(text)[0]
}

/** The place of the brace that ends what begins at `at`. */
function endOfExpression(text: string, at: number): number {
  let depth = 0
  for (let place = at; place < text.length; place++) {
    const sign = text[place]
    if (sign === '"') place = endOfString(text, place)
    else if (sign === '{') depth++
    else if (sign === '}' && depth-- === 0) return place
  }
  throw new Error(`"${text}" opens an expression that does not end`)
}

function endOfString(text: string, at: number): number {
  for (let place = at + 1; place < text.length; place++) {
    if (text[place] === '\\') place++
    else if (text[place] === '"') return place
    else if ((text.startsWith('${', place) || text.startsWith('%{', place)) && text[place - 1] !== text[place])
      place = endOfExpression(text, place + 2)
  }
  throw new Error(`"${text}" has a string that does not end`)
}

function referencesIn(expression: string): Reference[] {
  const found: Reference[] = []
  const bound = new Set<string>()
  for (const [, key, value] of expression.matchAll(/\bfor\s+(\w+)(?:\s*,\s*(\w+))?\s+in\b/g)) {
    bound.add(key!)
    if (value !== undefined) bound.add(value)
  }
  let at = 0
  while (at < expression.length) {
    if (expression[at] === '"') {
      const end = endOfString(expression, at)
      found.push(...parseTemplate(expression.slice(at + 1, end)).references)
      at = end + 1
      continue
    }
    const word = matchAt(/[A-Za-z_][\w-]*/y, expression, at)
    if (word === undefined) {
      at += matchAt(/\d[\d.]*/y, expression, at)?.length ?? 1
      continue
    }
    const start = at
    at += word.length
    const { steps, end, inner } = stepsFrom(expression, at)
    at = end
    found.push(...inner)
    const isNamed = steps[0] !== undefined && 'name' in steps[0]
    // A word alone is a function, a keyword, a key of an object or what a `for` has bound.
    if (isNamed && !bound.has(word)) found.unshift({ root: word, steps, text: expression.slice(start, end) })
  }
  return found
}

/** What follows a name: .attribute, [index], [*], .* */
function stepsFrom(expression: string, from: number): { steps: Step[]; end: number; inner: Reference[] } {
  const steps: Step[] = []
  const inner: Reference[] = []
  let at = from
  for (;;) {
    const attribute = matchAt(/\.([A-Za-z_][\w-]*)/y, expression, at)
    const number = matchAt(/\.\d+/y, expression, at)
    const splat = matchAt(/\.\*|\[\*\]/y, expression, at)
    if (attribute !== undefined) steps.push({ name: attribute.slice(1) })
    else if (number !== undefined) steps.push({ index: true })
    else if (splat !== undefined) steps.push({ splat: true })
    else if (expression[at] === '[') {
      const end = endOfIndex(expression, at + 1)
      inner.push(...referencesIn(expression.slice(at + 1, end)))
      steps.push({ index: true })
      at = end + 1
      continue
    } else return { steps, end: at, inner }
    at += (attribute ?? number ?? splat)!.length
  }
}

function endOfIndex(expression: string, from: number): number {
  let depth = 0
  for (let place = from; place < expression.length; place++) {
    const sign = expression[place]
    if (sign === '"') place = endOfString(expression, place)
    else if (sign === '[') depth++
    else if (sign === ']' && depth-- === 0) return place
  }
  throw new Error(`"${expression}" has an index that does not end`)
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}
