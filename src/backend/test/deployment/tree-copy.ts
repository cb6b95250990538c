// A copy of infrastructure/kubernetes to try changes on.
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MANIFESTS } from './manifests.ts'

/** @returns where the copy is */
export function copied(folder: string): string {
  const copy = join(folder, 'kubernetes')
  cpSync(MANIFESTS, copy, { recursive: true })
  return copy
}

/** A copy with one file changed. @throws Error when the change changes nothing */
export function edited(folder: string, path: string, change: (text: string) => string): string {
  const copy = copied(folder)
  const before = readFileSync(join(copy, path), 'utf8')
  const after = change(before)
  if (after === before) throw new Error(`${path} is as it was`)
  writeFileSync(join(copy, path), after)
  return copy
}
