// The manifests as a release applies them: a copy with the image's line written, as a deployment's sed does it. The checkout stays as it is.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const IMAGE_LINE = /^(\s*(?:- )?image:) .*$/gm

/**
 * @param folder `infrastructure/kubernetes`; @param overlay in it: `canary`, `overlays/prod`
 * @throws Error when the overlay's file has not exactly one line for the image
 */
export async function withImage<T>(
  folder: string,
  overlay: string,
  image: string,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const copy = mkdtempSync(join(tmpdir(), 'manifests-'))
  try {
    cpSync(folder, copy, { recursive: true })
    const file = join(copy, overlay, 'kustomization.yaml')
    const text = readFileSync(file, 'utf8')
    const lines = text.match(IMAGE_LINE)?.length ?? 0
    if (lines !== 1) throw new Error(`${join(overlay, 'kustomization.yaml')} has ${lines} lines for an image, not one`)
    writeFileSync(file, text.replace(IMAGE_LINE, `$1 ${image}`))
    return await work(join(copy, overlay))
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
