// A small network with a database and a cluster, right in every respect: what the tests of this folder and of the rehearsal spoil in one place each.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Configuration } from './validate.ts'

export const EXAMPLE = join(import.meta.dirname, 'example')

/** A copy that may be spoilt. */
export function exampleConfiguration(): Configuration {
  return JSON.parse(readFileSync(join(EXAMPLE, 'main.tf.json'), 'utf8'))
}

export function exampleValues(): string {
  return readFileSync(join(EXAMPLE, 'environments', 'dev', 'terraform.tfvars'), 'utf8')
}
