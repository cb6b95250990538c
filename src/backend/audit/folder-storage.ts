// Locked storage in a folder of this machine: for one that has no bucket, and for a start without settings. A file is written
// aside, forced to the disk, and then given its name, which works only while the name is free; it may be read and no more. Whoever
// owns the folder can undo that, so this shows damage and haste, not fraud: a bucket with object lock does.
import { createReadStream } from 'node:fs'
import { link, mkdir, open, readdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkName, type LockedStorage, measured, NotStored, sameOrTaken } from './locked-storage.ts'

/** What is being written, or was when the process died. No name begins with a dot, so it is never listed. */
const ASIDE = '.aside-'
const READ_CHUNK_BYTES = 256 * 1024

let written = 0

/** @param folder absolute; made, for its owner only, with the first file */
export function folderStorage(folder: string): LockedStorage {
  const storage: LockedStorage = {
    async put(name, chunks) {
      const path = join(folder, checkName(name))
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      written += 1
      const aside = join(dirname(path), `${ASIDE}${process.pid}-${Date.now()}-${written}`)
      const { bytes, stored } = measured(chunks)
      try {
        const file = await open(aside, 'wx', 0o444)
        try {
          for await (const piece of bytes) await file.appendFile(piece)
          await file.sync()
        } finally {
          await file.close()
        }
        await link(aside, path)
        await syncFolder(dirname(path))
        return stored()
      } catch (error) {
        if (!isCode(error, 'EEXIST')) throw error
        return await sameOrTaken(storage, name, stored())
      } finally {
        await unlink(aside).catch(() => {})
      }
    },

    async *get(name) {
      try {
        yield* createReadStream(join(folder, checkName(name)), { highWaterMark: READ_CHUNK_BYTES })
      } catch (error) {
        if (isCode(error, 'ENOENT')) throw new NotStored(name)
        throw error
      }
    },

    async *list(prefix) {
      yield* namesIn(folder, '', prefix)
    },

    describe: () => `${pathToFileURL(folder).href}/`,
  }
  return storage
}

/** In the order of whole names: a folder stands where its name with the slash stands. */
async function* namesIn(folder: string, below: string, prefix: string): AsyncGenerator<string> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch((error) => {
    if (isCode(error, 'ENOENT')) return []
    throw error
  })
  const names = entries
    .filter((entry) => !entry.name.startsWith('.'))
    .map((entry) => `${below}${entry.name}${entry.isDirectory() ? '/' : ''}`)
    .sort()
  for (const name of names) {
    if (!name.endsWith('/')) {
      if (name.startsWith(prefix)) yield name
    } else if (name.startsWith(prefix) || prefix.startsWith(name)) yield* namesIn(folder, name, prefix)
  }
}

/** A new name is on the disk only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isCode(error: unknown, code: string): boolean {
  return (error as { code?: unknown } | null)?.code === code
}
