// Objects held against their types, so that what Kubernetes does not know is an error, as it is to an API server that validates fields
// strictly: each object becomes `const … = { … } satisfies IDeployment` in a file that the compiler checks.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { KubernetesObject } from './built-objects.ts'
import { modelPath } from './models.ts'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const COMPILER = join(PACKAGE, 'node_modules/typescript/bin/tsc')

/** One file of objects. */
function source(objects: readonly KubernetesObject[]): string {
  const types = new Map<string, string>()
  const constants = objects.flatMap((object, at) => {
    const path = modelPath(object)
    if (path === null) return []
    const type = types.get(path) ?? `Type${types.size}`
    types.set(path, type)
    const words = JSON.stringify(object, null, 1)
    return [`// ${object.kind} ${object.metadata.name}\nexport const object${at} = ${words} satisfies ${type}`]
  })
  const imports = [...types].map(
    ([path, type]) => `import type { I${path.split('/').at(-1)} as ${type} } from '${path}'`,
  )
  return `${[...imports, ...constants].join('\n')}\n`
}

/**
 * What the compiler says, by lines.
 * @param files objects by the name of the file that they are written to
 */
export async function typeFaults(files: Readonly<Record<string, readonly KubernetesObject[]>>): Promise<string[]> {
  // Within the package, where the models are found.
  const folder = mkdtempSync(join(PACKAGE, 'kubernetes/.strict-'))
  try {
    for (const [name, objects] of Object.entries(files)) {
      writeFileSync(join(folder, `${name.replaceAll('/', '-')}.ts`), source(objects))
    }
    const options = { strict: true, noEmit: true, skipLibCheck: true, module: 'nodenext', target: 'es2023', types: [] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }))
    return await compiled(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function compiled(folder: string): Promise<string[]> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      [COMPILER, '-p', folder, '--pretty', 'false'],
      { cwd: folder, maxBuffer: 16 * 2 ** 20 },
      (_failed, said) => done(said.split('\n').filter((line) => line.includes('error TS'))),
    )
  })
}
