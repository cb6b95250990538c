// What every object of the API has, and how the API says no.
import { isDeepStrictEqual } from 'node:util'

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

export interface ObjectMetadata {
  name: string
  namespace?: string
  generateName?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  finalizers?: string[]
  managedFields?: ManagedFieldsEntry[]
}

/** What one writer owns of an object. */
export interface ManagedFieldsEntry {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly time: string
  readonly fieldsType: 'FieldsV1'
  readonly fieldsV1: Fields
  readonly subresource?: string
}

export interface Fields {
  [step: string]: Fields
}

export interface ApiObject {
  apiVersion: string
  kind: string
  metadata: ObjectMetadata
  [field: string]: unknown
}

export type Tree = Record<string, unknown>

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export const same = isDeepStrictEqual

/** The tree that stands under a name, or an empty one. */
export function treeAt(tree: unknown, ...names: string[]): Tree {
  let here: unknown = tree
  for (const name of names) here = isTree(here) ? here[name] : undefined
  return isTree(here) ? here : {}
}

export function listAt(tree: unknown, ...names: string[]): Tree[] {
  const last = names.at(-1) as string
  const list = treeAt(tree, ...names.slice(0, -1))[last]
  return Array.isArray(list) ? list : []
}

const REASONS = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  UnsupportedMediaType: 415,
  Invalid: 422,
  InternalError: 500,
} as const

/** A refusal with the reason that a client looks at. */
export class ApiFailure extends Error {
  readonly reason: keyof typeof REASONS
  readonly details: Tree

  constructor(reason: keyof typeof REASONS, message: string, details: Tree = {}) {
    super(message)
    this.reason = reason
    this.details = details
  }

  get code(): number {
    return REASONS[this.reason]
  }

  body(): Tree {
    const { message, reason, code, details } = this
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code }
  }
}
