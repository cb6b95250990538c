// What must not be seen by who reads a log: keys, tokens, cookies, passwords, secrets of webhooks. A secret is known by the name that
// it stands under, at any depth of a value; and by its own form, wherever in a text it stands: in a sentence, an address, the
// message of an error that somebody else wrote.
export const REMOVED = '[removed]'

/** Deeper than anything worth logging; what lies below is left out. */
const DEPTH_MAX = 6

const SECRET_NAME =
  /^(x?apikey|.*authorization|.*cookies?|.*tokens?|.*secrets?|.*secretkey|.*passwords?|passwd|pass|pwd|.*privatekey|.*credentials?)$/
/** Names are nearly always those that the program writes; those of others' headers must not fill the memory. */
const NAMES_MAX = 2000
const names = new Map<string, boolean>()

function isSecretName(name: string): boolean {
  let known = names.get(name)
  if (known === undefined) {
    known = SECRET_NAME.test(name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''))
    if (names.size < NAMES_MAX) names.set(name, known)
  }
  return known
}

/** The same object when nothing in it stands under a secret's name, which is nearly always; else a copy without. */
export function withoutSecrets(value: Record<string, unknown>, depth = 0): Record<string, unknown> {
  let copy: Record<string, unknown> | null = null
  for (const name of Object.keys(value)) {
    const inner = value[name]
    const clean = isSecretName(name) ? REMOVED : typeof inner === 'object' ? cleanValue(inner, depth + 1) : inner
    if (clean !== inner) {
      copy ??= { ...value }
      copy[name] = clean
    }
  }
  return copy ?? value
}

/** The same of what a line is made of; an error under `err` is for the serializer of errors, which calls back here. */
export function lineWithoutSecrets(line: Record<string, unknown>): Record<string, unknown> {
  if (!(line.err instanceof Error)) return withoutSecrets(line)
  const { err, ...rest } = line
  return { ...withoutSecrets(rest), err }
}

function cleanValue(value: object | null, depth: number): unknown {
  if (value === null || value instanceof Date) return value
  if (depth > DEPTH_MAX) return '[deep]'
  if (Array.isArray(value)) {
    const items = value.map((item) => (typeof item === 'object' ? cleanValue(item, depth + 1) : item))
    return items.some((item, at) => item !== value[at]) ? items : value
  }
  if (value instanceof Error) return withoutSecrets({ ...value, type: value.name, message: value.message }, depth)
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const written: unknown = value.toJSON()
    if (typeof written !== 'object' || written === null) return value
    // Bytes: of what, nobody can tell.
    return ArrayBuffer.isView(value) ? REMOVED : cleanValue(written, depth + 1)
  }
  return withoutSecrets(value as Record<string, unknown>, depth)
}

/** Names whose values are secrets where a text holds both: in an address, a list of settings, a header, JSON within JSON. */
const NAMES = String.raw`(?:x-)?api[_-]?key|(?:proxy-)?authorization|(?:set-)?cookie|[\w-]*token|[\w-]*secret|[\w-]*password|passwd|pwd|private[_-]?key`

/** What a secret looks like in a text, with what stays of it. */
const FORMS: readonly (readonly [form: RegExp, stays: string])[] = [
  [/(bre_[0-9A-Za-z-]{1,64}_)[0-9A-Za-z]{8,}/g, `$1${REMOVED}`],
  [/eyJ[\w-]{4,}\.[\w-]{4,}(?:\.[\w-]*)?/g, REMOVED],
  [/whsec_[\w+/=-]{8,}/g, REMOVED],
  [/(borrow_rate_refresh=)[^;\s"\\]+/g, `$1${REMOVED}`],
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?-----END [A-Z0-9 ]*PRIVATE KEY-----/gs, REMOVED],
  // A user and a password before the host of an address. Paths hold @ as well, behind a slash.
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>\\]*@/gi, `$1${REMOVED}@`],
  [/(Bearer|Basic) +[\w.~+/=-]{16,}/gi, `$1 ${REMOVED}`],
  [/([?&;][\w.-]*?(?:key|token|secret|password|passwd|pwd|signature|sig)=)[^&\s"'\\]+/gi, `$1${REMOVED}`],
  [new RegExp(String.raw`"(${NAMES})"(\s*:\s*)"(?:\\.|[^"\\])*"`, 'gi'), `"$1"$2"${REMOVED}"`],
  // Within a text of JSON, or within one within it: a quote with one more backslash belongs to the value.
  [new RegExp(String.raw`(\\+"|')(${NAMES})\1(\s*:\s*)\1.*?(?<!\\)\1`, 'gi'), `$1$2$1$3$1${REMOVED}$1`],
  [/\b((?:proxy-)?authorization|(?:set-)?cookie)(\s*: *)[^"\\]+/gi, `$1$2${REMOVED}`],
  [new RegExp(String.raw`(${NAMES})(\s*[=:]\s*)(?:'[^']*'|[^\s,;"'\\}&]+)`, 'gi'), `$1$2${REMOVED}`],
]

/** Most lines have none of this, and are looked at once. */
const MAY_HOLD =
  /bre_|eyJ|whsec_|:\/\/|bearer|basic|key['\\"]*\s*[=:]|token|secret|pass|pwd|sig=|signature|cookie|authorization|refresh=|PRIVATE KEY/i

/** A text, or one line of JSON, without what has the form of a secret. */
export function textWithoutSecrets(text: string): string {
  if (!MAY_HOLD.test(text)) return text
  return FORMS.reduce((clean, [form, stays]) => clean.replace(form, stays), text)
}
