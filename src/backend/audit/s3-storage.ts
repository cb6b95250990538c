// Locked storage in a bucket with object lock: what is put is under compliance retention from its first moment, and neither the
// account that wrote it nor its administrator can remove or shorten it before the date.
//
// A lock protects a version, not a name: S3 takes a new version under a locked name, and lets a delete marker hide it. So a put is
// conditional on the name being free, and reading never asks for the newest: it lists versions, delete markers or not, and takes
// the first that was written under a name. What was locked once is what is read, whatever was done to the name since.
//
// Credentials are those of the machine or pod (the SDK's own chain); the rights needed are s3:PutObject, s3:PutObjectRetention,
// s3:GetObjectVersion, s3:ListBucketVersions and s3:AbortMultipartUpload, and never a right to delete.
import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import type { StorageAddress } from '../server/storage-url.ts'
import { checkName, type LockedStorage, measured, NotStored, sameOrTaken } from './locked-storage.ts'

/** S3 takes 10 000 parts: a file may have 160 GB. Two parts are in memory at most. */
const PART_BYTES = 16 * 1024 * 1024
const CONNECT_TIMEOUT_MS = 5_000
/** How long the store may be silent. */
const SILENCE_TIMEOUT_MS = 60_000
const TRIES_MAX = 4

type S3Address = Extract<StorageAddress, { kind: 's3' }>

export function s3Storage(address: S3Address): LockedStorage {
  const { bucket, prefix } = address
  // A large package: loaded when it is used.
  let opened: Promise<{ sdk: typeof import('@aws-sdk/client-s3'); client: S3Client }> | null = null
  const open = () => {
    opened ??= connect(address)
    return opened
  }

  /** Names and versions below a prefix of ours, in the order that S3 has: by name, and of one name the newest first. */
  async function* versions(below: string): AsyncGenerator<{ name: string; versionId: string }> {
    const { sdk, client } = await open()
    let KeyMarker: string | undefined
    let VersionIdMarker: string | undefined
    do {
      const page = await client.send(
        new sdk.ListObjectVersionsCommand({ Bucket: bucket, Prefix: `${prefix}${below}`, KeyMarker, VersionIdMarker }),
      )
      for (const { Key = '', VersionId = '' } of page.Versions ?? []) {
        yield { name: Key.slice(prefix.length), versionId: VersionId }
      }
      KeyMarker = page.IsTruncated ? page.NextKeyMarker : undefined
      VersionIdMarker = page.NextVersionIdMarker
    } while (KeyMarker !== undefined)
  }

  async function firstVersion(name: string): Promise<string> {
    let first: string | null = null
    for await (const version of versions(name)) {
      if (version.name !== name) break
      first = version.versionId
    }
    if (first === null) throw new NotStored(name)
    return first
  }

  const storage: LockedStorage = {
    async put(name, chunks, { retainUntil }) {
      const { client } = await open()
      const { Upload } = await import('@aws-sdk/lib-storage')
      const { bytes, stored } = measured(chunks)
      const upload = new Upload({
        client,
        queueSize: 1,
        partSize: PART_BYTES,
        params: {
          Bucket: bucket,
          Key: `${prefix}${checkName(name)}`,
          Body: Readable.from(bytes),
          ObjectLockMode: 'COMPLIANCE',
          ObjectLockRetainUntilDate: retainUntil,
          IfNoneMatch: '*',
        },
      })
      try {
        await upload.done()
        return stored()
      } catch (error) {
        if (!isNameTaken(error)) throw error
        return await sameOrTaken(storage, name, stored())
      }
    },

    async *get(name) {
      const versionId = await firstVersion(checkName(name))
      const { sdk, client } = await open()
      const { Body } = await client.send(
        new sdk.GetObjectCommand({ Bucket: bucket, Key: `${prefix}${name}`, VersionId: versionId }),
      )
      yield* Body as Readable
    },

    async *list(below) {
      let last: string | null = null
      for await (const { name } of versions(below)) {
        if (name !== last) yield name
        last = name
      }
    },

    describe: () => `s3://${bucket}/${prefix}`,
  }
  return storage
}

async function connect({ region, endpoint }: S3Address) {
  const sdk = await import('@aws-sdk/client-s3')
  const client = new sdk.S3Client({
    ...(region === null ? {} : { region }),
    // A store that is not Amazon's has no host for each bucket.
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts: TRIES_MAX,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: SILENCE_TIMEOUT_MS },
  })
  return { sdk, client }
}

function isNameTaken(error: unknown): boolean {
  return (error as { name?: unknown } | null)?.name === 'PreconditionFailed'
}
