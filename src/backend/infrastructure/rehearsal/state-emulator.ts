// As much of S3 and STS as Terraform's state backend asks for, behind an HTTP proxy: the backend puts the bucket's name in front of the host, and
// only a proxy receives a host that no name server knows. Buckets are those it is given, and what they hold can be read by a test.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface StoredObject {
  body: Buffer
  /** x-amz-server-side-encryption of the request that wrote it. */
  encryption: string | undefined
}

export interface StateEmulator {
  /** What the AWS client inside Terraform must find in its environment. */
  environment: Record<string, string>
  /** By "bucket/key". */
  objects: Map<string, StoredObject>
  close(): Promise<void>
}

const S3_HOST = 's3.rehearsal.test'
const STS_HOST = 'sts.rehearsal.test'

export async function startStateEmulator(buckets: Iterable<string>, accountId: string): Promise<StateEmulator> {
  const known = new Set(buckets)
  const objects = new Map<string, StoredObject>()
  const server = createServer((request, response) => {
    read(request)
      .then((body) => serve(request, body, response))
      .catch((error: unknown) => refuse(response, 500, 'InternalError', String(error)))
  })

  async function serve(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', `http://${request.headers.host}`)
    if (url.hostname === STS_HOST) return callerIdentity(response, accountId)
    if (!url.hostname.endsWith(S3_HOST))
      return refuse(
        response,
        403,
        'AccessDenied',
        `Nothing but the state's storage is to be reached here: ${url.hostname}`,
      )
    const path = decodeURIComponent(url.pathname).slice(1)
    const bucket = url.hostname === S3_HOST ? path.split('/')[0]! : url.hostname.slice(0, -S3_HOST.length - 1)
    const key = url.hostname === S3_HOST ? path.split('/').slice(1).join('/') : path
    if (!known.has(bucket)) return refuse(response, 404, 'NoSuchBucket', `The bucket ${bucket} does not exist`)
    const name = `${bucket}/${key}`
    if (key === '') return list(response, bucket, url.searchParams.get('prefix') ?? '', objects)
    const stored = objects.get(name)
    switch (request.method) {
      case 'PUT': {
        if (request.headers['if-none-match'] === '*' && stored !== undefined)
          return refuse(
            response,
            412,
            'PreconditionFailed',
            'At least one of the pre-conditions you specified did not hold',
          )
        const encryption = request.headers['x-amz-server-side-encryption']
        const content = isChunked(request) ? withoutChunks(body) : body
        objects.set(name, { body: content, encryption: typeof encryption === 'string' ? encryption : undefined })
        response.writeHead(200, { etag: etagOf(content) }).end()
        return
      }
      case 'DELETE':
        objects.delete(name)
        response.writeHead(204).end()
        return
      case 'GET':
      case 'HEAD': {
        if (stored === undefined)
          return refuse(response, 404, 'NoSuchKey', 'The specified key does not exist', request.method === 'HEAD')
        response.writeHead(200, {
          etag: etagOf(stored.body),
          'content-length': stored.body.length,
          'content-type': 'application/json',
          'last-modified': new Date(0).toUTCString(),
        })
        response.end(request.method === 'HEAD' ? undefined : stored.body)
        return
      }
      default:
        return refuse(response, 405, 'MethodNotAllowed', `${request.method} is not allowed against this resource`)
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    environment: {
      AWS_ENDPOINT_URL_S3: `http://${S3_HOST}`,
      AWS_ENDPOINT_URL_STS: `http://${STS_HOST}`,
      HTTP_PROXY: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'rehearsal',
      AWS_SECRET_ACCESS_KEY: 'rehearsal',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    objects,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function isChunked(request: IncomingMessage): boolean {
  const hash = request.headers['x-amz-content-sha256']
  return (
    (request.headers['content-encoding'] ?? '').includes('aws-chunked') ||
    (typeof hash === 'string' && hash.startsWith('STREAMING-'))
  )
}

/** A body in signed pieces: the length in hexadecimal, perhaps a signature, the piece; a piece of length nothing ends it, checksums follow. */
export function withoutChunks(body: Buffer): Buffer {
  const pieces: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = body.indexOf('\r\n', at)
    if (lineEnd < 0) throw new Error('The chunked body ends in the middle')
    const length = Number.parseInt(body.toString('latin1', at, lineEnd).split(';')[0]!, 16)
    if (Number.isNaN(length)) throw new Error('A chunk of the body has no length')
    if (length === 0) return Buffer.concat(pieces)
    pieces.push(body.subarray(lineEnd + 2, lineEnd + 2 + length))
    at = lineEnd + 2 + length + 2
  }
}

function list(response: ServerResponse, bucket: string, prefix: string, objects: Map<string, StoredObject>): void {
  const found = [...objects].filter(([name]) => name.startsWith(`${bucket}/${prefix}`))
  const contents = found.map(([name, { body }]) => {
    const key = escaped(name.slice(bucket.length + 1))
    return `<Contents><Key>${key}</Key><ETag>${escaped(etagOf(body))}</ETag><Size>${body.length}</Size></Contents>`
  })
  const counts = `<KeyCount>${found.length}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>`
  xml(
    response,
    200,
    `<ListBucketResult><Name>${escaped(bucket)}</Name><Prefix>${escaped(prefix)}</Prefix>${counts}${contents.join('')}</ListBucketResult>`,
  )
}

function callerIdentity(response: ServerResponse, accountId: string): void {
  const identity = `<Arn>arn:aws:iam::${accountId}:user/rehearsal</Arn><UserId>AIDAREHEARSAL</UserId><Account>${accountId}</Account>`
  const answer = `<GetCallerIdentityResult>${identity}</GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>`
  xml(
    response,
    200,
    `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${answer}</GetCallerIdentityResponse>`,
  )
}

function refuse(response: ServerResponse, status: number, code: string, message: string, bodiless = false): void {
  if (bodiless) response.writeHead(status).end()
  else
    xml(
      response,
      status,
      `<Error><Code>${code}</Code><Message>${escaped(message)}</Message><RequestId>1</RequestId></Error>`,
    )
}

function xml(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' }).end(`<?xml version="1.0" encoding="UTF-8"?>${body}`)
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
