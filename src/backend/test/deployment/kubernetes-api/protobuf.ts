// `kubectl create` writes its objects in Kubernetes' protobuf form. The few kinds it makes for us are read here, by the numbers that
// their fields have in the published definitions (k8s.io/api, generated.proto).
import { ApiFailure, type ApiObject, type Tree } from './api-object.ts'

/** What stands in a field. `words` and `bytes`: a map from words to words, or to bytes, which JSON says in base64. */
type Shape = 'word' | 'words' | 'bytes' | 'flag' | Fields

interface Fields {
  readonly [number: number]: readonly [name: string, shape: Shape]
}

const METADATA: Fields = {
  1: ['name', 'word'],
  2: ['generateName', 'word'],
  3: ['namespace', 'word'],
  11: ['labels', 'words'],
  12: ['annotations', 'words'],
}

const KINDS: Readonly<Record<string, Fields>> = {
  'v1 Secret': {
    1: ['metadata', METADATA],
    2: ['data', 'bytes'],
    3: ['type', 'word'],
    4: ['stringData', 'words'],
    5: ['immutable', 'flag'],
  },
  'v1 ConfigMap': {
    1: ['metadata', METADATA],
    2: ['data', 'words'],
    3: ['binaryData', 'bytes'],
    4: ['immutable', 'flag'],
  },
  'v1 Namespace': { 1: ['metadata', METADATA] },
  'v1 ServiceAccount': { 1: ['metadata', METADATA] },
}

const ENVELOPE: Fields = { 1: ['type', { 1: ['apiVersion', 'word'], 2: ['kind', 'word'] }] }
const MAGIC = Buffer.from('k8s\0')
const CONTENT = 2

/** @throws ApiFailure when it is none, or of a kind that is not read here */
export function readProtobuf(body: Buffer): ApiObject {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC))
    throw new ApiFailure('BadRequest', 'this is no protobuf of Kubernetes')
  const envelope = body.subarray(MAGIC.length)
  const { apiVersion, kind } = message(envelope, ENVELOPE).type as { apiVersion: string; kind: string }
  const fields = KINDS[`${apiVersion} ${kind}`]
  const content = entries(envelope).find(([number]) => number === CONTENT)?.[1]
  if (fields === undefined || !Buffer.isBuffer(content)) {
    throw new ApiFailure('UnsupportedMediaType', `${apiVersion} ${kind} is not read as protobuf here`)
  }
  return { apiVersion, kind, metadata: { name: '' }, ...message(content, fields) } as ApiObject
}

function message(bytes: Buffer, fields: Fields): Tree {
  const tree: Tree = {}
  for (const [number, value] of entries(bytes)) {
    const field = fields[number]
    if (field === undefined) continue
    const [name, shape] = field
    if (shape === 'flag') tree[name] = value === 1
    else if (!Buffer.isBuffer(value)) throw new ApiFailure('BadRequest', `${name} is not what it should be`)
    else if (shape === 'word') {
      if (value.length > 0) tree[name] = value.toString()
    } else if (shape === 'words' || shape === 'bytes') tree[name] = { ...(tree[name] as Tree), ...pair(value, shape) }
    else tree[name] = message(value, shape)
  }
  return tree
}

/** An entry of a map is a message of its own: 1 is the key, 2 the value. */
function pair(bytes: Buffer, shape: 'words' | 'bytes'): Tree {
  const { 1: key, 2: value } = Object.fromEntries(entries(bytes)) as Record<number, Buffer | undefined>
  return { [String(key ?? '')]: (value ?? Buffer.alloc(0)).toString(shape === 'bytes' ? 'base64' : 'utf8') }
}

const VARINT = 0
const LENGTH_DELIMITED = 2

function entries(bytes: Buffer): [number: number, value: Buffer | number][] {
  const found: [number, Buffer | number][] = []
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at]
      if (byte === undefined || shift > 42) throw new ApiFailure('BadRequest', 'the protobuf ends too soon')
      at += 1
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const [number, type] = [Math.floor(tag / 8), tag % 8]
    const value = varint()
    if (type === VARINT) found.push([number, value])
    else if (type === LENGTH_DELIMITED) {
      found.push([number, bytes.subarray(at, at + value)])
      at += value
    } else throw new ApiFailure('BadRequest', `wire type ${type} is not read here`)
  }
  return found
}
