// Texts for people that go on the record. A key that somebody pasted into one would stand there for years, readable to every auditor.
import { holdsApiKey } from '../access/api-keys.ts'
import { invalidParameters } from '../server/problem.ts'

/** @throws Problem INVALID_PARAMETER that names the fields which hold an API key */
export function refuseKeysIn(texts: Readonly<Record<string, string | null | undefined>>): void {
  const faults = Object.entries(texts)
    .filter(([, text]) => typeof text === 'string' && holdsApiKey(text))
    .map(([field]) => ({ field, location: 'body' as const, message: `${field} must not hold an API key` }))
  if (faults.length > 0) throw invalidParameters(faults)
}
