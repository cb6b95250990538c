// Which program this is: the version of package.json and, where the build knew it, the commit.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `0.1.0`, as health checks and the OpenAPI document name it. */
export const ENGINE_VERSION = versionOfPackage()

/** `0.1.0+4f2a91c`: the version with the commit the image was built from, as every record names it; without one the version alone. */
export function engineBuild(commit: string | null): string {
  return commit === null ? ENGINE_VERSION : `${ENGINE_VERSION}+${commit.slice(0, 12)}`
}

/** The package lies one folder up from the source and two from `dist/`. */
function versionOfPackage(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder)
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  return version
}
