// The address of the database from a mounted file, as a secret is mounted into a pod. Several files may be named: a service reads
// the address of its own user, and where there is none yet, the one that all share.
import { readFileSync } from 'node:fs'

export interface AddressFile {
  /** The first of the files that is there. */
  readonly file: string
  readonly address: string
}

export const isDatabaseUrl = (text: string): boolean => /^postgres(ql)?:\/\//.test(text) && URL.canParse(text)

/**
 * @param paths of files, by spaces
 * @throws Error with a sentence that does not repeat what is in a file
 */
export function readAddressFile(paths: string): AddressFile {
  const files = paths.split(/\s+/).filter((path) => path !== '')
  for (const file of files) {
    const address = textOf(file)
    if (address === null) continue
    if (!isDatabaseUrl(address))
      throw new Error(`${file} does not hold a URL as postgresql://user:password@host:5432/database`)
    return { file, address }
  }
  throw new Error(`none of these files is there: ${files.join(', ')}`)
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new Error(message)
  }
}
