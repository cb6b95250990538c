// Where the record is exported to, as one text: `file:///folder` is a folder, `s3://bucket/prefix` a bucket whose objects are locked
// when they are written. Credentials never stand in it: the machine's or the pod's own are used.

export type StorageAddress =
  | { readonly kind: 'folder'; readonly folder: string }
  | {
      readonly kind: 's3'
      readonly bucket: string
      /** Stands before every name, with a slash at its end; empty: none. */
      readonly prefix: string
      /** Null: the region that the environment of the process names. */
      readonly region: string | null
      /** Of a store that speaks S3 and is not Amazon's; null: Amazon's. */
      readonly endpoint: string | null
    }

export const STORAGE_URL_FORM = 'file:///folder or s3://bucket/prefix?region=eu-central-1'

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
/** Characters that mean the same to a file system, to S3 and in a URL. */
const PREFIX = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\/){0,8}$/
const REGION = /^[a-z0-9-]{1,40}$/

/** Null: the text has another form. */
export function readStorageUrl(text: string): StorageAddress | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || url.hash !== '') return null
  if (url.protocol === 'file:') {
    if (url.host !== '' || url.search !== '' || url.pathname === '/') return null
    try {
      return { kind: 'folder', folder: decodeURIComponent(url.pathname) }
    } catch {
      return null // a percent sign that encodes nothing
    }
  }
  if (url.protocol !== 's3:' || url.port !== '' || !BUCKET.test(url.host)) return null
  const path = url.pathname.replace(/^\//, '').replace(/\/$/, '')
  const prefix = path === '' ? '' : `${path}/`
  const region = url.searchParams.get('region')
  const endpoint = url.searchParams.get('endpoint')
  if ([...url.searchParams.keys()].some((key) => key !== 'region' && key !== 'endpoint')) return null
  if (!PREFIX.test(prefix) || (region !== null && !REGION.test(region))) return null
  if (endpoint !== null && !isEndpoint(endpoint)) return null
  return { kind: 's3', bucket: url.host, prefix, region, endpoint }
}

function isEndpoint(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false
  const { pathname, search, username } = new URL(text)
  return pathname === '/' && search === '' && username === ''
}
