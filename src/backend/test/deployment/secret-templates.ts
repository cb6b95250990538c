// As much of Go's templates as the ExternalSecrets use: what the operator will write into a Secret when AWS Secrets Manager holds these
// values.
import { type ManifestObject, ofKind } from './manifests.ts'

interface ExternalSecretSpec {
  readonly target: { readonly name: string; readonly template: { readonly data: Readonly<Record<string, string>> } }
  readonly dataFrom: readonly { readonly extract: { readonly key: string } }[]
}

type Values = Readonly<Record<string, string>>

/**
 * The Secrets by name, each with its keys and what they hold.
 * @param stored what AWS Secrets Manager has, by the secret's name
 * @throws Error when a secret is not stored, or lacks a value that is asked for, as the operator does
 */
export function secretsFrom(
  objects: readonly ManifestObject[],
  stored: Readonly<Record<string, Values>>,
): Readonly<Record<string, Values>> {
  return Object.fromEntries(
    ofKind<ExternalSecretSpec>(objects, 'ExternalSecret').map(({ spec }) => {
      const values: Record<string, string> = {}
      for (const { extract } of spec.dataFrom) {
        if (stored[extract.key] === undefined) throw new Error(`nothing is stored as ${extract.key}`)
        Object.assign(values, stored[extract.key])
      }
      const { name, template } = spec.target
      return [
        name,
        Object.fromEntries(Object.entries(template.data).map(([key, text]) => [key, rendered(text, values)])),
      ]
    }),
  )
}

/** @throws Error for a value that is not there, and for what this does not know */
export function rendered(template: string, values: Values): string {
  const withBlocks = template.replaceAll(
    /\s*\{\{- with index \. "(\w+)" \}\}([\s\S]*?)\s*\{\{- end \}\}/g,
    (_, name: string, inside: string) => {
      const value = values[name] ?? ''
      // Inside the block `.` is the value, and `$.` what `.` was outside.
      return value === '' ? '' : inside.replaceAll('{{ . }}', value).replaceAll('{{ $.', '{{ .')
    },
  )
  return withBlocks.replaceAll(/\{\{(.*?)\}\}/g, (action, inside: string) => {
    const [, dotted, indexed, escaped] = /^ (?:\.(\w+)|index \. "([\w.-]+)")( \| urlquery)? $/.exec(inside) ?? []
    const name = dotted ?? indexed
    if (name === undefined) throw new Error(`${action} is more than is known here`)
    const value = values[name]
    // `index` gives nothing for what is not there; a name after a dot is an error.
    if (value === undefined && dotted !== undefined) throw new Error(`map has no entry for key "${name}"`)
    return escaped === undefined ? (value ?? '') : encodeURIComponent(value ?? '').replaceAll('%20', '+')
  })
}
