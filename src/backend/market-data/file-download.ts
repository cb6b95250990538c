// A feed's file, whole and checked, from wherever it lies: an HTTP server, an FTP server, this machine. It is unpacked and counted as
// it arrives, so that neither a long file nor a small one that unpacks to a long one fills the memory; a checksum beside it must
// fit. Nothing here knows what is in the file, and no message repeats an address: credentials may stand in it.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline, Readable, type Transform, Writable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { FTPError, Client as FtpClient } from 'basic-ftp'
import { Agent, interceptors, request } from 'undici'
import { FEED_FILE_BYTES_MAX } from './import.ts'

/** The file could not be had, and why in words. `passing`: a second try may help. */
export class DownloadError extends Error {
  readonly passing: boolean

  constructor(sentence: string, passing: boolean, options?: ErrorOptions) {
    super(sentence, options)
    this.name = 'DownloadError'
    this.passing = passing
  }
}

export interface DownloadOptions {
  readonly url: string
  /** Bearer token of an HTTP server, password of an FTP server. */
  readonly key: string | null
  /** How long the server may be silent. */
  readonly timeoutMs: number
  /** Ends the download. */
  readonly signal: AbortSignal
  /** What was taken over last from this address: the file is not fetched again while the server says it is the same. */
  readonly last: FileMark | null
}

/** By what a file is recognised as the same. */
export interface FileMark {
  readonly md5: string
  readonly etag: string | null
  /** False: there was no checksum beside it. */
  readonly checked: boolean
}

export interface DownloadedFile {
  readonly text: string
  readonly mark: FileMark
}

const REDIRECTIONS_MAX = 3
const CHECKSUM_BYTES_MAX = 4096
const MD5 = /(?:^|[^0-9a-f])([0-9a-f]{32})(?:$|[^0-9a-f])/i

/**
 * Fetches the file, and the `.md5` beside it first.
 * @returns null when the file is the one of `last`
 * @throws DownloadError
 */
export async function downloadFile(options: DownloadOptions): Promise<DownloadedFile | null> {
  const { last } = options
  const fetchFrom = transport(new URL(options.url))
  const checksum = await readChecksum(fetchFrom, options)
  if (last !== null && checksum !== null && checksum === last.md5) return null
  const fetched = await fetchFrom('', {
    ...options,
    etag: checksum === null ? (last?.etag ?? null) : null,
    bytesMax: FEED_FILE_BYTES_MAX,
  })
  if (fetched === 'unchanged') return null
  if (fetched === 'absent') throw new DownloadError('there is no such file', false)
  const md5 = createHash('md5').update(fetched.content).digest('hex')
  // It may have been replaced between the two: then the checksum of now fits.
  if (checksum !== null && checksum !== md5 && (await readChecksum(fetchFrom, options)) !== md5) {
    throw new DownloadError('the checksum beside the file does not fit it', true)
  }
  if (last !== null && md5 === last.md5) return null
  const content = await unpacked(fetched.content)
  return { text: content.toString('utf8'), mark: { md5, etag: fetched.etag, checked: checksum !== null } }
}

/** The checksum beside the file; null when there is none, or what is there is no checksum. */
async function readChecksum(fetchFrom: Transport, options: DownloadOptions): Promise<string | null> {
  if (new URL(options.url).search !== '') return null
  const fetched = await fetchFrom('.md5', { ...options, etag: null, bytesMax: CHECKSUM_BYTES_MAX })
  if (fetched === 'absent' || fetched === 'unchanged') return null
  return MD5.exec(fetched.content.toString('latin1'))?.[1]?.toLowerCase() ?? null
}

const GZIP_MAGIC = [0x1f, 0x8b]

/** A gzip file unpacked, any other as it is. */
async function unpacked(content: Buffer): Promise<Buffer> {
  if (content[0] !== GZIP_MAGIC[0] || content[1] !== GZIP_MAGIC[1]) return content
  return collect(Readable.from([content]), [createGunzip()], FEED_FILE_BYTES_MAX)
}

// ---- transports ----

interface FetchOptions extends Omit<DownloadOptions, 'url' | 'last'> {
  readonly etag: string | null
  readonly bytesMax: number
}

/** Fetches the file, or one beside it with a suffix to its name. */
type Transport = (
  suffix: string,
  options: FetchOptions,
) => Promise<{ content: Buffer; etag: string | null } | 'absent' | 'unchanged'>

function transport(url: URL): Transport {
  switch (url.protocol) {
    case 'http:':
    case 'https:':
      return overHttp(url)
    case 'ftp:':
    case 'ftps:':
      return overFtp(url)
    default:
      return fromDisk(url)
  }
}

/** Not there, or not for us to see: of a checksum that is the same. */
const ABSENT = new Set([403, 404, 410])

function overHttp(url: URL): Transport {
  return async (suffix, { key, timeoutMs, signal, etag, bytesMax }) => {
    const target = new URL(url)
    target.pathname += suffix
    const agent = new Agent({ headersTimeout: timeoutMs, bodyTimeout: timeoutMs, connect: { timeout: timeoutMs } })
    try {
      const { statusCode, headers, body } = await request(target, {
        dispatcher: agent.compose(interceptors.redirect({ maxRedirections: REDIRECTIONS_MAX })),
        signal,
        headers: {
          'user-agent': 'borrow-rate-engine',
          'accept-encoding': 'gzip, deflate, br',
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(etag === null ? {} : { 'if-none-match': etag }),
        },
      })
      if (statusCode !== 200) {
        await body.dump({ limit: 16_384, signal })
        if (statusCode === 304) return 'unchanged'
        if (ABSENT.has(statusCode) && (suffix !== '' || statusCode !== 403)) return 'absent'
        throw new DownloadError(
          `the server answered with status ${statusCode}`,
          statusCode >= 500 || statusCode === 429,
        )
      }
      const content = await collect(body, decoders(headers['content-encoding']), bytesMax)
      return { content, etag: typeof headers.etag === 'string' ? headers.etag : null }
    } catch (cause) {
      throw asDownloadError(cause)
    } finally {
      await agent.destroy()
    }
  }
}

function decoders(encoding: string | string[] | undefined): Transform[] {
  switch (typeof encoding === 'string' ? encoding.toLowerCase() : '') {
    case 'gzip':
    case 'x-gzip':
      return [createGunzip()]
    case 'deflate':
      return [createInflate()]
    case 'br':
      return [createBrotliDecompress()]
    default:
      return []
  }
}

const FTP_NOT_FOUND = 550
const FTP_PERMANENT = 500

function overFtp(url: URL): Transport {
  // A path is counted from the folder of the login, as addresses of this kind are meant; %2F in front counts from the root.
  const path = decodeURIComponent(url.pathname.slice(1))
  return async (suffix, { key, timeoutMs, signal, bytesMax }) => {
    const client = new FtpClient(timeoutMs)
    const end = () => client.close()
    signal.addEventListener('abort', end)
    try {
      signal.throwIfAborted()
      await client.access({
        host: url.hostname.replace(/^\[|\]$/g, ''),
        ...(url.port === '' ? {} : { port: Number(url.port) }),
        user: decodeURIComponent(url.username) || 'anonymous',
        password: url.password === '' ? (key ?? '') : decodeURIComponent(url.password),
        secure: url.protocol === 'ftps:',
      })
      const pieces: Buffer[] = []
      await client.downloadTo(counted(pieces, bytesMax), `${path}${suffix}`)
      return { content: Buffer.concat(pieces), etag: null }
    } catch (cause) {
      if (cause instanceof FTPError) {
        if (cause.code === FTP_NOT_FOUND) return 'absent'
        throw new DownloadError(`the server answered with code ${cause.code}`, cause.code < FTP_PERMANENT, { cause })
      }
      throw asDownloadError(cause)
    } finally {
      signal.removeEventListener('abort', end)
      client.close()
    }
  }
}

function fromDisk(url: URL): Transport {
  return async (suffix, { signal, bytesMax }) => {
    const file = new URL(url)
    file.pathname += suffix
    try {
      return { content: await collect(createReadStream(file, { signal }), [], bytesMax), etag: null }
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (code === 'ENOENT') return 'absent'
      if (cause instanceof DownloadError) throw cause
      throw new DownloadError(`the file cannot be read${code === undefined ? '' : ` (${code})`}`, false, { cause })
    }
  }
}

function asDownloadError(cause: unknown): DownloadError {
  if (cause instanceof DownloadError) return cause
  const code = (cause as { code?: unknown }).code
  if (typeof code === 'string' && code.startsWith('Z_'))
    return new DownloadError('it cannot be unpacked', false, { cause })
  return new DownloadError(
    `the server cannot be reached, or broke off${typeof code === 'string' ? ` (${code})` : ''}`,
    true,
    { cause },
  )
}

// ---- counting ----

function tooLong(bytesMax: number): DownloadError {
  return new DownloadError(`it has more than ${bytesMax} bytes`, false)
}

/** All of a stream's bytes after its decoders, unless they are more than allowed. */
async function collect(source: Readable, through: readonly Transform[], bytesMax: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  await new Promise<void>((resolve, reject) => {
    pipeline([source, ...through, counted(pieces, bytesMax)], (error) =>
      error ? reject(asDownloadErrorUnlessFile(error)) : resolve(),
    )
  })
  return Buffer.concat(pieces)
}

/** Unpacking faults get their words here; faults of a file on this machine keep their code. */
function asDownloadErrorUnlessFile(error: NodeJS.ErrnoException): Error {
  return error.code?.startsWith('Z_') || error.code?.startsWith('ERR_') ? asDownloadError(error) : error
}

function counted(pieces: Buffer[], bytesMax: number): Writable {
  let bytes = 0
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      bytes += piece.length
      if (bytes > bytesMax) return done(tooLong(bytesMax))
      pieces.push(piece)
      done()
    },
  })
}
