// Lists of things that an administrator keeps: how a page is asked for, and what stands beside it.
import { Type } from 'typebox'
import { integerField, withDefault } from '../server/shape.ts'

const LIMIT_MAX = 100

/** Query fields of a list. */
export const PAGE_FIELDS = {
  skip: withDefault(
    integerField({ description: 'Items to leave out before the first.', minimum: 0, maximum: 1_000_000, example: 0 }),
    0,
  ),
  limit: withDefault(
    integerField({ description: 'Items at the most.', minimum: 1, maximum: LIMIT_MAX, example: 20 }),
    20,
  ),
}

/** The `pagination` of an answer. */
export const PAGINATION = Type.Object(
  {
    total: Type.Integer({ description: 'There are in all.' }),
    skip: Type.Integer({ description: 'Left out before the first.' }),
    limit: Type.Integer({ description: 'At the most on this page.' }),
    has_more: Type.Boolean({ description: 'There are more behind this page.' }),
  },
  { title: 'Pagination', description: 'Which part of the list this is.' },
)

/** A page as the contract answers it. */
export function listAnswer<T>(
  found: { readonly total: number; readonly items: readonly T[] },
  page: { readonly skip: number; readonly limit: number },
  item: (of: T) => object,
): object {
  const { total, items } = found
  const { skip, limit } = page
  return {
    status: 'success',
    items: items.map(item),
    pagination: { total, skip, limit, has_more: skip + items.length < total },
  }
}
