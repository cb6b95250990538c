// As much of S3 as locked storage needs, at the socket: one bucket with versions and object lock, single and multipart puts, conditional
// on a free name, reading by version, listing versions. It behaves as S3 does where that surprises: a put without a condition
// makes a new version over a locked one, a delete without a version hides a name behind a marker, and only removing or
// replacing a locked version itself is refused. Every request must carry a signature that fits, body included.
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const FAKE_S3_CREDENTIALS = { accessKeyId: 'FAKEACCESSKEY', secretAccessKey: 'fake-secret-key' } as const

export interface FakeVersion {
  readonly versionId: string
  /** Null: a delete marker. */
  readonly body: Buffer | null
  readonly lockedUntil: Date | null
}

export interface FakeS3 {
  /** `http://127.0.0.1:…` */
  readonly url: string
  readonly bucket: string
  /** Of a key, the newest first. */
  versions(key: string): readonly FakeVersion[]
  /** Multipart uploads that were begun and neither completed nor aborted. */
  openUploads(): number
  /** Requests since the start, by what they do: `PutObject`, `UploadPart`, … */
  requests(operation: string): number
  /** The next requests fail with 503 before they do anything. */
  failNext(count: number): void
  /** The next request is done, and its connection breaks instead of an answer. */
  loseNextAnswer(): void
  /** A put by somebody else, without a condition and without a lock. */
  putOver(key: string, body: string): void
  /** A delete by somebody else; without a version it leaves a marker. False: it is refused. */
  remove(key: string, versionId?: string): boolean
  close(): Promise<void>
}

interface Upload {
  readonly key: string
  readonly headers: IncomingMessage['headers']
  readonly parts: Map<number, Buffer>
}

interface Answer {
  readonly status: number
  readonly body?: string | Buffer
  readonly headers?: Record<string, string>
}

const LIST_PAGE = 1_000

export async function startFakeS3({
  bucket = 'the-record',
  objectLock = true,
  listPage = LIST_PAGE,
} = {}): Promise<FakeS3> {
  const objects = new Map<string, FakeVersion[]>()
  const uploads = new Map<string, Upload>()
  const counts = new Map<string, number>()
  let failing = 0
  let losing = false

  function keep(key: string, body: Buffer, headers: IncomingMessage['headers']): Answer {
    const mode = headers['x-amz-object-lock-mode']
    if (mode !== undefined && !objectLock)
      return refusal(400, 'InvalidRequest', 'Bucket is missing Object Lock Configuration')
    const versions = objects.get(key) ?? []
    if (headers['if-none-match'] === '*' && versions[0]?.body) {
      return refusal(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')
    }
    const until = headers['x-amz-object-lock-retain-until-date']
    const version = {
      versionId: randomBytes(8).toString('hex'),
      body,
      lockedUntil: mode === 'COMPLIANCE' ? new Date(String(until)) : null,
    }
    objects.set(key, [version, ...versions])
    return { status: 200, headers: { etag: etagOf(body), 'x-amz-version-id': version.versionId } }
  }

  function act(
    operation: string,
    key: string,
    query: URLSearchParams,
    headers: IncomingMessage['headers'],
    body: Buffer,
  ): Answer {
    const upload = uploads.get(query.get('uploadId') ?? '')
    switch (operation) {
      case 'PutObject': {
        const hasChecksum = Object.keys(headers).some(
          (name) => name === 'content-md5' || name.startsWith('x-amz-checksum-'),
        )
        if (headers['x-amz-object-lock-mode'] !== undefined && !hasChecksum) {
          return refusal(
            400,
            'InvalidRequest',
            'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
          )
        }
        return keep(key, body, headers)
      }
      case 'CreateMultipartUpload': {
        const id = randomBytes(8).toString('hex')
        uploads.set(id, { key, headers, parts: new Map() })
        return xml(
          `<InitiateMultipartUploadResult><Bucket>${bucket}</Bucket><Key>${key}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
        )
      }
      case 'UploadPart':
        if (upload === undefined) return refusal(404, 'NoSuchUpload', 'There is no such upload')
        upload.parts.set(Number(query.get('partNumber')), body)
        return { status: 200, headers: { etag: etagOf(body) } }
      case 'CompleteMultipartUpload': {
        if (upload === undefined) return refusal(404, 'NoSuchUpload', 'There is no such upload')
        const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map((match) =>
          Number(match[1]),
        )
        const whole = Buffer.concat(numbers.map((number) => upload.parts.get(number) as Buffer))
        const answer = keep(key, whole, { ...upload.headers, 'if-none-match': headers['if-none-match'] })
        if (answer.status !== 200) return answer
        uploads.delete(query.get('uploadId') as string)
        return xml(
          `<CompleteMultipartUploadResult><Key>${key}</Key><ETag>${etagOf(whole)}</ETag></CompleteMultipartUploadResult>`,
        )
      }
      case 'AbortMultipartUpload':
        uploads.delete(query.get('uploadId') ?? '')
        return { status: 204 }
      case 'GetObject': {
        const versions = objects.get(key) ?? []
        const wanted = query.get('versionId')
        const version = wanted === null ? versions[0] : versions.find(({ versionId }) => versionId === wanted)
        if (!version?.body) return refusal(404, wanted === null ? 'NoSuchKey' : 'NoSuchVersion', 'There is none')
        return { status: 200, body: version.body, headers: { etag: etagOf(version.body) } }
      }
      case 'ListObjectVersions':
        return xml(listing(query))
      default:
        return refusal(501, 'NotImplemented', operation)
    }
  }

  function listing(query: URLSearchParams): string {
    const all = [...objects]
      .filter(([key]) => key.startsWith(query.get('prefix') ?? ''))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([key, versions]) => versions.map((version) => ({ key, ...version })))
    const [keyMarker, versionMarker] = [query.get('key-marker'), query.get('version-id-marker')]
    const from =
      keyMarker === null
        ? 0
        : all.findIndex(({ key, versionId }) => key === keyMarker && versionId === versionMarker) + 1
    const page = all.slice(from, from + listPage)
    const truncated = from + listPage < all.length
    const last = page.at(-1)
    return [
      '<ListVersionsResult>',
      `<IsTruncated>${truncated}</IsTruncated>`,
      ...(truncated && last
        ? [`<NextKeyMarker>${last.key}</NextKeyMarker><NextVersionIdMarker>${last.versionId}</NextVersionIdMarker>`]
        : []),
      ...page.map(({ key, versionId, body }) => {
        const tag = body === null ? 'DeleteMarker' : 'Version'
        return `<${tag}><Key>${key}</Key><VersionId>${versionId}</VersionId></${tag}>`
      }),
      '</ListVersionsResult>',
    ].join('')
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const url = new URL(request.url ?? '/', 'http://fake')
    const [, inBucket = '', ...rest] = url.pathname.split('/')
    const key = rest.map(decodeURIComponent).join('/')
    const operation = operationOf(request.method ?? '', key, url.searchParams)
    counts.set(operation, (counts.get(operation) ?? 0) + 1)
    let answered: Answer
    if (failing > 0) {
      failing -= 1
      answered = refusal(503, 'SlowDown', 'Please reduce your request rate')
    } else if (!isSigned(request, url, body)) {
      answered = refusal(403, 'SignatureDoesNotMatch', 'The request signature does not match')
    } else if (inBucket !== bucket) answered = refusal(404, 'NoSuchBucket', 'There is no such bucket')
    else answered = act(operation, key, url.searchParams, request.headers, body)
    if (losing) {
      losing = false
      response.destroy()
      return
    }
    response.writeHead(answered.status, { 'content-type': 'application/xml', ...answered.headers })
    response.end(answered.body)
  }

  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket,
    versions: (key) => objects.get(key) ?? [],
    openUploads: () => uploads.size,
    requests: (operation) => counts.get(operation) ?? 0,
    failNext(count) {
      failing = count
    },
    loseNextAnswer() {
      losing = true
    },
    putOver(key, body) {
      keep(key, Buffer.from(body), {})
    },
    remove(key, versionId) {
      const versions = objects.get(key) ?? []
      if (versionId === undefined) {
        objects.set(key, [{ versionId: randomBytes(8).toString('hex'), body: null, lockedUntil: null }, ...versions])
        return true
      }
      const version = versions.find((one) => one.versionId === versionId)
      if (version?.lockedUntil && version.lockedUntil > new Date()) return false
      objects.set(
        key,
        versions.filter((one) => one !== version),
      )
      return true
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function operationOf(method: string, key: string, query: URLSearchParams): string {
  if (method === 'GET') return query.has('versions') ? 'ListObjectVersions' : 'GetObject'
  if (method === 'POST') return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload'
  if (method === 'PUT') return query.has('partNumber') ? 'UploadPart' : 'PutObject'
  return method === 'DELETE' && query.has('uploadId') ? 'AbortMultipartUpload' : `${method} ${key}`
}

const etagOf = (body: Buffer) => `"${createHash('md5').update(body).digest('hex')}"`

function xml(body: string): Answer {
  return { status: 200, body: `<?xml version="1.0" encoding="UTF-8"?>${body}` }
}

function refusal(status: number, code: string, message: string): Answer {
  return {
    status,
    body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  }
}

// ---- signatures (AWS Signature Version 4) ----

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/

function isSigned(request: IncomingMessage, url: URL, body: Buffer): boolean {
  const [, accessKeyId, day = '', region = '', names = '', signature] =
    AUTHORIZATION.exec(request.headers.authorization ?? '') ?? []
  const payload = request.headers['x-amz-content-sha256']
  if (accessKeyId !== FAKE_S3_CREDENTIALS.accessKeyId || payload !== sha256(body)) return false
  const query = [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
  const headers = names.split(';').map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`)
  const canonical = [request.method, url.pathname, query, headers.join(''), names, payload].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${FAKE_S3_CREDENTIALS.secretAccessKey}`,
  )
  return createHmac('sha256', key).update(toSign).digest('hex') === signature
}

const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
