// Mutual TLS between our own services, from mounted certificate files that somebody else renews. Files are looked at every few
// seconds and taken over when they change, so that a renewed certificate needs no restart and drops no request.
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'

export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
  /** The authority that signed both sides' certificates. */
  readonly caFile: string
}

export interface TlsMaterial {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer
}

const LOOK_EVERY_MS = 2_000

/** @throws Error when a file cannot be read: a process that should speak TLS does not start without. */
export function readTlsMaterial(files: TlsFiles): TlsMaterial {
  return { cert: readFileSync(files.certFile), key: readFileSync(files.keyFile), ca: readFileSync(files.caFile) }
}

/**
 * Calls back with the new material after a file changed. Material that cannot be read, or that the caller throws at (a key that
 * does not fit its certificate, half of a renewal), is left for the next look; what was in force stays.
 * @returns a function that stops looking
 */
export function watchTlsMaterial(
  files: TlsFiles,
  take: (material: TlsMaterial) => void,
  onFailure: (error: unknown) => void,
): () => void {
  let seen = stamp(files)
  const timer = setInterval(() => {
    try {
      const now = stamp(files)
      if (now === seen) return
      take(readTlsMaterial(files))
      seen = now
    } catch (error) {
      onFailure(error)
    }
  }, LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}

function stamp(files: TlsFiles): string {
  return [files.certFile, files.keyFile, files.caFile]
    .map((file) => {
      const { ino, size, mtimeMs } = statSync(file)
      return `${ino} ${size} ${mtimeMs}`
    })
    .join(' ')
}

/** When the certificate in the file ends, in seconds since 1970; 0 when it cannot be read, as if it had ended long ago. */
export function certificateEnd(certFile: string): number {
  try {
    return Date.parse(new X509Certificate(readFileSync(certFile)).validTo) / 1000
  } catch {
    return 0
  }
}
