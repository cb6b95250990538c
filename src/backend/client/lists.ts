// Lists by pages: one page, or all of them one after the other.

/** Which part of a list. `limit` 1 to 100; the engine's default is 20. */
export interface Page {
  readonly skip?: number
  readonly limit?: number
}

export interface ListAnswer<Item> {
  readonly status: 'success'
  readonly items: readonly Item[]
  readonly pagination: {
    readonly total: number
    readonly skip: number
    readonly limit: number
    readonly has_more: boolean
  }
}

const ITEMS_OF_A_PAGE = 100

/** Every item of a list, asked for page by page while they are read. */
export async function* everyItem<Item>(
  page: (which: Required<Page>) => Promise<ListAnswer<Item>>,
): AsyncGenerator<Item> {
  for (let skip = 0; ; skip += ITEMS_OF_A_PAGE) {
    const { items, pagination } = await page({ skip, limit: ITEMS_OF_A_PAGE })
    yield* items
    if (!pagination.has_more) return
  }
}
