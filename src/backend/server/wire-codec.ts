// Messages between our own services: one codec per shape is both ends of a wire. It writes a value as plain JSON and reads it
// back as the same typed value, exact decimals and instants included. What does not fit is a TypeError that names the place,
// never a value half read: between services of two versions that is the difference between an error and a wrong price.
//
// A reader ignores members it does not know, so that a newer service may say more; a member it needs must be there.
import { type Decimal, parseDecimal } from '../pricing/decimal.ts'

export interface Codec<T> {
  // Methods, so that a codec of one type fits where codecs of any type are gathered.
  write(value: T): unknown
  /** @throws TypeError with the place of what does not fit */
  read(json: unknown, place: string): T
}

/** The type a codec carries. */
export type Carried<C> = C extends Codec<infer T> ? T : never

function refuse(place: string, wanted: string): never {
  throw new TypeError(`${place} is not ${wanted}`)
}

function same<T>(wanted: string, is: (json: unknown) => boolean): Codec<T> {
  return { write: (value) => value, read: (json, place) => (is(json) ? (json as T) : refuse(place, wanted)) }
}

/** Any text, or the texts of a branded type, which its maker has checked already. */
export const text = <T extends string = string>(): Codec<T> => same('a text', (json) => typeof json === 'string')
export const integer: Codec<number> = same('an integer', Number.isSafeInteger)
export const flag: Codec<boolean> = same('true or false', (json) => typeof json === 'boolean')

/** An exact decimal with its unit, as text. */
export const decimalOf = <D extends Decimal>(): Codec<D> => ({
  write: (value) => value.toString(),
  read: (json, place) => {
    const value = typeof json === 'string' ? parseDecimal(json) : null
    return value === null ? refuse(place, 'a decimal text') : (value as D)
  },
})

/** A moment, to the millisecond. */
export const instant: Codec<Date> = {
  write: (value) => value.getTime(),
  read: (json, place) => (Number.isSafeInteger(json) ? new Date(json as number) : refuse(place, 'a moment')),
}

export const oneOf = <const V extends string>(...values: V[]): Codec<V> =>
  same(`one of ${values.join(', ')}`, (json) => values.includes(json as V))

export function nullable<T>(of: Codec<T>): Codec<T | null> {
  return {
    write: (value) => (value === null ? null : of.write(value)),
    read: (json, place) => (json === null ? null : of.read(json, place)),
  }
}

/** A member that the version before does not write: null until every service is of this one, which takes an hour with a canary. */
export function added<T>(of: Codec<T>): Codec<T | null> {
  const there = nullable(of)
  return { write: there.write, read: (json, place) => (json === undefined ? null : there.read(json, place)) }
}

export function list<T>(of: Codec<T>): Codec<readonly T[]> {
  return {
    write: (values) => values.map((value) => of.write(value)),
    read: (json, place) =>
      Array.isArray(json) ? json.map((item, index) => of.read(item, `${place}[${index}]`)) : refuse(place, 'a list'),
  }
}

/** Values by their places, one codec for each: what is sent by the thousand does without names. More values than codecs are not looked at. */
export function tuple<const C extends readonly Codec<unknown>[]>(
  ...codecs: C
): Codec<{ readonly [K in keyof C]: Carried<C[K]> }> {
  type Values = { readonly [K in keyof C]: Carried<C[K]> }
  return {
    write: (values) => codecs.map((codec, place) => codec.write((values as readonly unknown[])[place])),
    read: (json, place) =>
      Array.isArray(json)
        ? (codecs.map((codec, index) => codec.read(json[index], `${place}[${index}]`)) as unknown as Values)
        : refuse(place, 'a list'),
  }
}

type Structure<M> = { readonly [K in keyof M]: Carried<M[K]> }

/** Members under their own names, all of them present. */
export function structure<M extends { readonly [K in keyof M]: Codec<unknown> }>(members: M): Codec<Structure<M>> {
  const codecs = Object.entries(members) as [string, Codec<unknown>][]
  return {
    write: (value) => {
      const json: Record<string, unknown> = {}
      for (const [name, codec] of codecs) json[name] = codec.write((value as Record<string, unknown>)[name])
      return json
    },
    read: (json, place) => {
      if (typeof json !== 'object' || json === null || Array.isArray(json)) return refuse(place, 'an object')
      const value: Record<string, unknown> = {}
      for (const [name, codec] of codecs) {
        value[name] = codec.read((json as Record<string, unknown>)[name], `${place}.${name}`)
      }
      return value as Structure<M>
    },
  }
}

/** Members of which any may be left out. One that this side does not know is left out too. */
export function partial<M extends { readonly [K in keyof M]: Codec<unknown> }>(
  members: M,
): Codec<Partial<Structure<M>>> {
  const codecs = Object.entries(members) as [string, Codec<unknown>][]
  const given = (value: object, each: (codec: Codec<unknown>, member: unknown, name: string) => unknown) =>
    Object.fromEntries(
      codecs.flatMap(([name, codec]) => {
        const member = (value as Record<string, unknown>)[name]
        return member === undefined ? [] : [[name, each(codec, member, name)]]
      }),
    )
  return {
    write: (value) => given(value, (codec, member) => codec.write(member)),
    read: (json, place) => {
      if (typeof json !== 'object' || json === null || Array.isArray(json)) return refuse(place, 'an object')
      return given(json, (codec, member, name) => codec.read(member, `${place}.${name}`)) as Partial<Structure<M>>
    },
  }
}

/** One of several structures, told apart by their `kind`. */
export function variants<V extends { readonly [K in keyof V]: Codec<unknown> }>(
  kinds: V,
): Codec<{ [K in keyof V]: { readonly kind: K } & Carried<V[K]> }[keyof V]> {
  type Variant = { [K in keyof V]: { readonly kind: K } & Carried<V[K]> }[keyof V]
  const codecs = kinds as unknown as Record<string, Codec<unknown>>
  return {
    write: (value) => {
      const kind = (value as { kind: string }).kind
      return { kind, ...((codecs[kind] as Codec<unknown>).write(value as unknown as never) as object) }
    },
    read: (json, place) => {
      const kind = (json as { kind?: unknown } | null)?.kind
      const codec = typeof kind === 'string' && Object.hasOwn(codecs, kind) ? codecs[kind] : undefined
      if (codec === undefined) return refuse(place, `of a known kind`)
      return { kind, ...(codec.read(json, place) as object) } as Variant
    },
  }
}
