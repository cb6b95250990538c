import { expect, test } from 'vitest'
import { readStorageUrl } from './storage-url.ts'

const s3 = { kind: 's3', prefix: '', region: null, endpoint: null }

test.each([
  ['file:///var/lib/exports', { kind: 'folder', folder: '/var/lib/exports' }],
  ['file:///var/lib/my%20exports', { kind: 'folder', folder: '/var/lib/my exports' }],
  ['s3://the-record', { ...s3, bucket: 'the-record' }],
  ['s3://the-record/', { ...s3, bucket: 'the-record' }],
  ['s3://the-record/prod/audit', { ...s3, bucket: 'the-record', prefix: 'prod/audit/' }],
  ['s3://the-record?region=eu-central-1', { ...s3, bucket: 'the-record', region: 'eu-central-1' }],
  [
    's3://the-record/a?endpoint=https://store.example:9000&region=local',
    { ...s3, bucket: 'the-record', prefix: 'a/', endpoint: 'https://store.example:9000', region: 'local' },
  ],
])('%s is understood', (text, address) => {
  expect(readStorageUrl(text)).toEqual(address)
})

test.each([
  '/var/lib/exports',
  'file:///',
  'file://host/exports',
  'file:///%zz',
  'file:///a?region=x',
  'https://bucket.example',
  's3://',
  's3://user:word@the-record',
  's3://Bad_Bucket',
  's3://the-record/a b',
  's3://the-record/a//b',
  's3://the-record?acl=public',
  's3://the-record?region=Some Where',
  's3://the-record?endpoint=ftp://x',
  's3://the-record?endpoint=http://x/path',
  's3://the-record#form',
])('%s is refused', (text) => {
  expect(readStorageUrl(text)).toBeNull()
})
