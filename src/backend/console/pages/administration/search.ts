// What the address of the screen holds: the tab, what is searched and which page, what is open at the right edge, and a draft that
// comes from elsewhere under the contract's own names.
export const TABS = ['terms', 'stocks', 'models', 'keys', 'approvals', 'webhooks'] as const
export type Tab = (typeof TABS)[number]

/** A draft's fields, as the contract names them; of tiers their JSON. */
export const DRAFT_FIELDS = [
  'markup_percentage',
  'markup_tiers',
  'transaction_fee_type',
  'transaction_amount',
  'day_count',
  'convention_pack',
  'billing',
  'pricing_model',
  'volatility_weight',
  'volatility_threshold',
  'event_weight',
  'max_multiplier',
  'volatility_source',
] as const
export type Draft = Partial<Readonly<Record<(typeof DRAFT_FIELDS)[number], string>>>

export interface AdministrationSearch extends Draft {
  readonly tab?: Tab
  /** What names are searched for. */
  readonly q?: string
  /** From 1. */
  readonly page?: string
  /** What is open: a client_id, a ticker, a key, an approval, a webhook. */
  readonly edit?: string
  /** `1`: a new one is being made. */
  readonly make?: string
  /** A new model begins as this one. */
  readonly copy?: string
  /** Which of them: of keys `active`, `ended`; of approvals `pending`, `approved`, `refused`. */
  readonly only?: string
  /** The client_id whose terms the draft is for. */
  readonly propose?: string
}

export type AddressChange = { readonly [K in keyof AdministrationSearch]?: AdministrationSearch[K] | undefined }

const TEXTS = ['q', 'page', 'edit', 'make', 'copy', 'only', 'propose', ...DRAFT_FIELDS] as const

export function administrationSearch(raw: Record<string, unknown>): AdministrationSearch {
  const search: Record<string, string> = {}
  for (const name of TEXTS) {
    const text = raw[name]
    if (typeof text === 'string' && text.trim() !== '') search[name] = text.trim()
  }
  if (search.page !== undefined && !/^[1-9][0-9]{0,5}$/.test(search.page)) delete search.page
  const tab = TABS.find((known) => known === raw.tab)
  if (tab !== undefined) search.tab = tab
  // A draft is for terms, whatever else the address says.
  if (search.propose !== undefined) search.tab = 'terms'
  // A stock that was looked for elsewhere is opened here.
  if (typeof raw.ticker === 'string' && raw.tab === undefined && raw.ticker !== '') {
    search.tab = 'stocks'
    search.edit = raw.ticker.toUpperCase()
  }
  return search
}

export function draftOf(search: AdministrationSearch): Draft {
  return Object.fromEntries(
    DRAFT_FIELDS.flatMap((name) => (search[name] === undefined ? [] : [[name, search[name] as string]])),
  )
}
