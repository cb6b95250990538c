// What proves the image, the manifests and the AWS account as code: the tests of the infrastructure package, then the project
// `infrastructure` of this one. What a machine lacks is installed where it may be, else skipped with the line to type.
//
//     npm run test:infrastructure                    all of it
//     npm run test:infrastructure -- kubectl         files whose path contains the word
//
// With `--report FOLDER` it leaves a report of each run there, as JSON.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const backend = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)
const at = words.indexOf('--report')
const folder = at < 0 ? null : (words.splice(at, 2)[1] ?? null)

function run(name, cwd, command) {
  const report =
    folder === null
      ? []
      : ['--reporter=default', '--reporter=json', `--outputFile.json=${join(folder, `${name}.json`)}`]
  console.log(`\n--- ${name}`)
  return spawnSync(command[0], [...command.slice(1), ...report, ...words], { cwd, stdio: 'inherit' }).status ?? 1
}

const inPackage = join(backend, 'infrastructure')
const vitest = (cwd) => [
  process.execPath,
  join(cwd, 'node_modules', 'vitest', 'vitest.mjs'),
  'run',
  '--passWithNoTests',
]
const types = spawnSync('npm', ['run', '--silent', 'check'], { cwd: inPackage, stdio: 'inherit' }).status ?? 1
const statuses = [
  types,
  run('infrastructure-package', inPackage, vitest(inPackage)),
  run('infrastructure', backend, [...vitest(backend), '--project', 'infrastructure']),
]
process.exitCode = statuses.every((status) => status === 0) ? 0 : 1
