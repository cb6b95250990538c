// Writes main.tf.json, which Terraform reads and which is kept in the repository: npm run synth, after every change here.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { synthesize } from './program.ts'

const file = join(import.meta.dirname, 'main.tf.json')
writeFileSync(file, synthesize())
console.log(`wrote ${file}`)
