// Locked storage: where exports and chain heads are put so that nobody rewrites them, the owner of the database included. What is
// put under a name stays as it is; there is no way to replace or remove it through here. How firmly it is locked is the
// driver's matter: a bucket with object lock refuses everybody until the date, a folder only asks the file system.
import { createHash } from 'node:crypto'

export interface LockedStorage {
  /**
   * Keeps what the chunks say, whole or not at all. Putting the very same bytes under the name again changes nothing and succeeds,
   * so that a put whose answer was lost is simply repeated.
   * @param name folders by slashes, as `exports/2026-11.ndjson`
   * @param lock until `retainUntil` a driver that can refuses to let go of it, whoever asks
   * @throws NameTaken when something else lies there; whatever the chunks throw; the driver's own error
   */
  put(name: string, chunks: Chunks, lock: { readonly retainUntil: Date }): Promise<StoredFile>
  /** @throws NotStored when there is nothing of that name */
  get(name: string): AsyncIterable<Uint8Array>
  /** The names that begin with the prefix, in the order of their characters. */
  list(prefix: string): AsyncIterable<string>
  /** Which storage this is, in a text that stays the same: `s3://bucket/prefix/`, `file:///folder/`. */
  describe(): string
}

export type Chunks = AsyncIterable<string | Uint8Array>

export interface StoredFile {
  readonly bytes: number
  /** 64 hex digits. */
  readonly sha256: string
}

/** Another file lies under the name, and is not replaced. */
export class NameTaken extends Error {
  constructor(name: string) {
    super(`${name} lies in locked storage already, with other content, and is not replaced`)
    this.name = 'NameTaken'
  }
}

export class NotStored extends Error {
  constructor(name: string) {
    super(`there is no ${name} in locked storage`)
    this.name = 'NotStored'
  }
}

/** What means the same to a file system, to S3 and in a URL. */
const NAME = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\/){0,8}[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/

/** @throws RangeError when no driver could keep a file of that name as named */
export function checkName(name: string): string {
  if (!NAME.test(name)) throw new RangeError(`${JSON.stringify(name.slice(0, 100))} is no name of a stored file`)
  return name
}

/** The chunks as bytes, and afterwards what they came to. */
export function measured(chunks: Chunks): { bytes: AsyncGenerator<Buffer>; stored(): StoredFile } {
  const hash = createHash('sha256')
  let length = 0
  async function* bytes() {
    for await (const chunk of chunks) {
      const piece = Buffer.from(chunk)
      hash.update(piece)
      length += piece.length
      yield piece
    }
  }
  let stored: StoredFile | null = null
  return {
    bytes: bytes(),
    stored: () => {
      stored ??= { bytes: length, sha256: hash.digest('hex') }
      return stored
    },
  }
}

/** What lies in a file, by reading it whole. */
export async function measure(chunks: Chunks): Promise<StoredFile> {
  const { bytes, stored } = measured(chunks)
  for await (const _ of bytes);
  return stored()
}

/**
 * What a driver says when the name is taken.
 * @throws NameTaken unless the file that lies there is the one that was to be put
 */
export async function sameOrTaken(storage: LockedStorage, name: string, wanted: StoredFile): Promise<StoredFile> {
  const there = await measure(storage.get(name))
  if (there.sha256 !== wanted.sha256) throw new NameTaken(name)
  return wanted
}
