// Label selectors in their two forms, and the field selectors that clients use.
import { ApiFailure, type ApiObject, isTree, type Tree } from './api-object.ts'

export type Match = (object: ApiObject) => boolean

/** `app=api-gateway,tier!=data,env in (dev, prod),!canary` */
export function labelSelector(text: string): Match {
  const terms = text
    .split(/,(?![^(]*\))/)
    .filter((term) => term.trim() !== '')
    .map(labelTerm)
  return ({ metadata }) => terms.every((holds) => holds(metadata.labels ?? {}))
}

function labelTerm(text: string): (labels: Record<string, string>) => boolean {
  const term = text.trim()
  const among = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term)
  if (among !== null) {
    const [, key = '', word, list = ''] = among
    const values = list.split(',').map((value) => value.trim())
    return (labels) => (word === 'in' ? values.includes(labels[key] ?? '') : !values.includes(labels[key] ?? ''))
  }
  const equals = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(term)
  if (equals !== null) {
    const [, key = '', word, value] = equals
    return (labels) => (word === '!=' ? labels[key] !== value : labels[key] === value)
  }
  if (term.startsWith('!')) return (labels) => labels[term.slice(1)] === undefined
  if (/^[\w./-]+$/.test(term)) return (labels) => labels[term] !== undefined
  throw new ApiFailure('BadRequest', `unable to parse requirement: ${term}`)
}

/** The `selector` of a Deployment, a NetworkPolicy, a budget: matchLabels and matchExpressions. */
export function matchesSelector(selector: Tree, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels, matchExpressions } = selector
  const pairs = isTree(matchLabels) ? Object.entries(matchLabels) : []
  const expressions = (Array.isArray(matchExpressions) ? matchExpressions : []) as {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
  return (
    pairs.every(([key, value]) => labels[key] === value) &&
    expressions.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      if (operator === 'Exists') return value !== undefined
      if (operator === 'DoesNotExist') return value === undefined
      return values.includes(value ?? '') === (operator === 'In')
    })
  )
}

/** `metadata.name=db-init,status.phase!=Running` */
export function fieldSelector(text: string): Match {
  const terms = text
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const match = /^([\w.]+)(==|=|!=)(.*)$/.exec(term)
      if (match === null) throw new ApiFailure('BadRequest', `unable to parse the field selector ${term}`)
      const [, path = '', word, value = ''] = match
      return { names: path.split('.'), isEqual: word !== '!=', value }
    })
  return (object) =>
    terms.every(({ names, isEqual, value }) => {
      let here: unknown = object
      for (const name of names) here = isTree(here) ? here[name] : undefined
      return (String(here ?? '') === value) === isEqual
    })
}
