// What builds images and looks into them: Docker's engine, or where none starts, buildah, which needs no engine and no rights over control
// groups, and so runs no service.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { foundOrInstalled, howToInstall, onPath } from '../../debian-package.ts'
import type { DockerEngine, Said } from './docker-engine.ts'
import { clearFolder } from './own-processes.ts'

/** What an image says of itself, as every engine stores it. */
export interface ImageConfig {
  readonly User?: string
  readonly Env?: readonly string[]
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly StopSignal?: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly Healthcheck?: { readonly Test: readonly string[] }
}

export interface ImageTool {
  readonly name: 'docker' | 'buildah'
  /** Makes an image of a tar archive of files. */
  importArchive(file: string, image: string): Promise<void>
  /** `docker build` with these words. @returns what it said @throws Error with that when it failed */
  build(words: readonly string[]): Promise<string>
  configOf(image: string): Promise<ImageConfig>
  sizeOf(image: string): Promise<number>
  /** `sh -c script` in the image, as its user. */
  shell(image: string, script: string): Promise<Said>
  stop(): Promise<void>
}

export const HOW_TO_GET_BUILDAH = howToInstall('buildah debootstrap')

export function dockerTool(docker: DockerEngine): ImageTool {
  return {
    name: 'docker',
    importArchive: async (file, image) => void (await docker.ask(['import', file, image])),
    async build(words) {
      const said = await docker.say(['build', '--progress=plain', ...words])
      if (said.status !== 0) throw new Error(`the build failed:\n${said.stderr.slice(-6000)}`)
      return said.stderr
    },
    configOf: async (image) => JSON.parse(await docker.ask(['inspect', '--format', '{{json .Config}}', image])),
    sizeOf: async (image) => Number(await docker.ask(['inspect', '--format', '{{.Size}}', image])),
    shell: (image, script) =>
      docker.say(['run', '--rm', '--network', 'host', '--entrypoint', 'sh', image, '-c', script]),
    stop: () => docker.stop(),
  }
}

/** @returns null with a reason printed where it is not and may not be installed */
export async function buildahTool(): Promise<ImageTool | null> {
  if (process.getuid?.() !== 0 || !foundOrInstalled('buildah', () => onPath('buildah') !== null)) {
    console.warn(`\nThere is no buildah here either: ${HOW_TO_GET_BUILDAH}\n`)
    return null
  }
  const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-buildah-'))
  for (const name of ['data', 'run']) mkdirSync(join(folder, name))
  const storage = ['--root', join(folder, 'data'), '--runroot', join(folder, 'run'), '--storage-driver', 'overlay']
  const say = (...words: string[]) => talk([...storage, ...words])
  const ask = async (...words: string[]) => {
    const { status, stdout, stderr } = await say(...words)
    if (status !== 0) throw new Error(`buildah ${words.join(' ')} ended with ${status}:\n${stderr.slice(-6000)}`)
    return { said: stdout.trim(), told: stdout + stderr }
  }
  return {
    name: 'buildah',
    async importArchive(file, image) {
      const { said: container } = await ask('from', 'scratch')
      await ask('add', '--quiet', container, file, '/')
      await ask('config', '--cmd', 'sh', container)
      await ask('commit', '--quiet', '--format', 'docker', '--rm', container, image)
    },
    build: async (words) =>
      (await ask('build', '--isolation', 'chroot', '--layers', '--format', 'docker', ...words)).told,
    configOf: async (image) => JSON.parse((await ask('inspect', '--type', 'image', image)).said).Docker.config,
    async sizeOf(image) {
      const { said } = await ask('images', '--json', image)
      const [size = '0', unit = 'B'] = (JSON.parse(said)[0].size as string).split(' ')
      return Number(size) * ({ B: 1, KB: 1e3, MB: 1e6, GB: 1e9 }[unit] ?? Number.NaN)
    },
    async shell(image, script) {
      const { said: container } = await ask('from', image)
      try {
        const { stderr, ...said } = await say('run', '--isolation', 'chroot', container, '--', 'sh', '-c', script)
        // What buildah itself adds when the script fails.
        return { ...said, stderr: stderr.replace(/^(subprocess exited with status|Error: exit status) .*\n/gm, '') }
      } finally {
        await ask('rm', container)
      }
    },
    stop: () => clearFolder(folder),
  }
}

function talk(words: readonly string[]): Promise<Said> {
  return new Promise((done) => {
    execFile('buildah', words, { encoding: 'utf8', maxBuffer: 64_000_000 }, (error, stdout, stderr) =>
      done({ status: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr }),
    )
  })
}
