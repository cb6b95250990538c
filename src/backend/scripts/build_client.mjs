// Builds the package of the typed client: compiled for Node and browsers against the web's own types, with declarations that every
// TypeScript reads. npm runs it before it packs or publishes `client/`; `npm run client` packs.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const client = fileURLToPath(new URL('../client', import.meta.url))
const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
const dist = `${client}/dist`
const next = `${dist}.new`

rmSync(next, { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [compiler, '-p', client, '--outDir', next], {
  stdio: ['ignore', 'inherit', 'inherit'],
})
if (status !== 0) process.exit(1)
for (const name of readdirSync(next)) {
  if (!name.endsWith('.d.ts')) continue
  // The compiler writes the paths of the sources, which are not in the package.
  const text = readFileSync(`${next}/${name}`, 'utf8')
  writeFileSync(`${next}/${name}`, text.replace(/(from '\.\/[\w-]+)\.ts'/g, "$1.js'"))
}
rmSync(dist, { recursive: true, force: true })
renameSync(next, dist)
