// Values as Terraform and a provider exchange them: MessagePack, in which "known after apply" is an extension of its own.
import { decode, ExtensionCodec, encode } from '@msgpack/msgpack'
import type { ValueType } from '../schema/value-type.ts'

/** A value that is known after apply, with what Terraform already promises about it ("not null", "begins with arn:"), unread. */
export class Unknown {
  readonly extension: number
  readonly promise: Uint8Array<ArrayBuffer>
  constructor(extension = 0, promise: Uint8Array<ArrayBuffer> = Uint8Array.of(0)) {
    this.extension = extension
    this.promise = promise
  }
}

export type Value = null | string | number | boolean | Unknown | Value[] | { [name: string]: Value }
export type ObjectValue = { [name: string]: Value }

const PLAIN_UNKNOWN = 0
const REFINED_UNKNOWN = 12

const extensionCodec = new ExtensionCodec()
for (const extension of [PLAIN_UNKNOWN, REFINED_UNKNOWN]) {
  extensionCodec.register({
    type: extension,
    encode: (value) => (value instanceof Unknown && value.extension === extension ? value.promise : null),
    decode: (promise) => new Unknown(extension, Uint8Array.from(promise)),
  })
}

export interface DynamicValue {
  msgpack: Uint8Array
}

export function fromWire(value: DynamicValue | null | undefined): Value {
  if (value === null || value === undefined || value.msgpack.length === 0) return null
  return decode(value.msgpack, { extensionCodec }) as Value
}

export function toWire(value: Value): DynamicValue {
  return { msgpack: encode(value, { extensionCodec }) }
}

/** A value whose type the schema leaves open travels with its type. */
export function typed(type: ValueType, value: Value): Value {
  return [new TextEncoder().encode(JSON.stringify(type)) as unknown as Value, value]
}

export function isUnknown(value: Value | undefined): value is Unknown {
  return value instanceof Unknown
}

export function isObject(value: Value | undefined): value is ObjectValue {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Unknown)
}

/** The same value, whatever the order of names; of an unknown nobody can say that it is the same. */
export function equal(left: Value | undefined, right: Value | undefined): boolean {
  if (left === right) return true
  if (isUnknown(left) || isUnknown(right) || left === undefined || right === undefined) return false
  if (Array.isArray(left))
    return (
      Array.isArray(right) && left.length === right.length && left.every((item, index) => equal(item, right[index]))
    )
  if (!isObject(left) || !isObject(right)) return false
  const names = new Set([...Object.keys(left), ...Object.keys(right)])
  return [...names].every((name) => equal(left[name] ?? null, right[name] ?? null))
}
