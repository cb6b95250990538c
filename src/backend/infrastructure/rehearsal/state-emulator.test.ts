// The state's storage answers as S3 does where Terraform depends on it: a lock can be taken once, a bucket must be there, bodies come in pieces.
import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type StateEmulator, startStateEmulator } from './state-emulator.ts'

let emulator: StateEmulator

beforeEach(async () => {
  emulator = await startStateEmulator(['state'], '111122223333')
})
afterEach(() => emulator.close())

/** As an AWS client behind a proxy asks: the bucket in front of the host, the whole address in the first line. */
function ask(
  method: string,
  host: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<{ status: number; text: string }> {
  const proxy = new URL(emulator.environment.HTTP_PROXY!)
  return new Promise((resolve, reject) => {
    const options = {
      host: proxy.hostname,
      port: proxy.port,
      method,
      path: `http://${host}${path}`,
      headers: { ...headers, host },
    }
    const asked = request(options, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode!, text })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

const BUCKET = 'state.s3.rehearsal.test'

describe('the storage of the state', () => {
  test('gives back what was put, until it is deleted', async () => {
    expect((await ask('GET', BUCKET, '/env/one.tfstate')).status).toBe(404)
    expect(
      (await ask('PUT', BUCKET, '/env/one.tfstate', { 'x-amz-server-side-encryption': 'AES256' }, '{}')).status,
    ).toBe(200)
    expect(await ask('GET', BUCKET, '/env/one.tfstate')).toEqual({ status: 200, text: '{}' })
    expect((await ask('HEAD', BUCKET, '/env/one.tfstate')).status).toBe(200)
    expect(emulator.objects.get('state/env/one.tfstate')!.encryption).toBe('AES256')
    expect((await ask('DELETE', BUCKET, '/env/one.tfstate')).status).toBe(204)
    expect((await ask('HEAD', BUCKET, '/env/one.tfstate')).status).toBe(404)
  })

  test('lets a lock be taken once', async () => {
    const lock = () => ask('PUT', BUCKET, '/one.tfstate.tflock', { 'if-none-match': '*' }, 'me')
    expect((await lock()).status).toBe(200)
    const second = await lock()
    expect(second.status).toBe(412)
    expect(second.text).toContain('<Code>PreconditionFailed</Code>')
  })

  test('reads a body that comes in signed pieces', async () => {
    const headers = { 'content-encoding': 'aws-chunked', 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }
    const body = '5;chunk-signature=abc\r\n{"a":\r\n2\r\n1}\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'
    expect((await ask('PUT', BUCKET, '/one.tfstate', headers, body)).status).toBe(200)
    expect((await ask('GET', BUCKET, '/one.tfstate')).text).toBe('{"a":1}')
  })

  test('lists what begins like the prefix', async () => {
    await ask('PUT', BUCKET, '/a/1', {}, 'x')
    await ask('PUT', BUCKET, '/b/1', {}, 'x')
    const { text } = await ask('GET', BUCKET, '/?list-type=2&prefix=a%2F')
    expect(text).toContain('<Key>a/1</Key>')
    expect(text).not.toContain('<Key>b/1</Key>')
  })

  test('knows no other bucket, and reaches no other host', async () => {
    const other = await ask('GET', 'others.s3.rehearsal.test', '/one.tfstate')
    expect(other.status).toBe(404)
    expect(other.text).toContain('<Code>NoSuchBucket</Code>')
    expect((await ask('GET', 'example.com', '/')).status).toBe(403)
  })

  test('says who calls', async () => {
    const { text } = await ask('POST', 'sts.rehearsal.test', '/', {}, 'Action=GetCallerIdentity&Version=2011-06-15')
    expect(text).toContain('<Account>111122223333</Account>')
  })
})
