// Writes what is generated into infrastructure/monitoring and docs/operations/alerts.md: `npm run monitoring`, after every change here.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { alertsDocument } from './document.ts'
import { monitoringFiles } from './files.ts'

const folder = fileURLToPath(new URL('../../../../infrastructure/monitoring/', import.meta.url))
for (const [path, text] of monitoringFiles()) {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
writeFileSync(fileURLToPath(new URL('../../../../docs/operations/alerts.md', import.meta.url)), alertsDocument())
console.log(`wrote ${monitoringFiles().size} files to ${folder}`)
