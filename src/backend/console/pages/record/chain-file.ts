// A stretch of the chain as an export tells it, a line of JSON for each record and each signed head: read as far as one record's
// proof needs it.

/** The columns of a record, exactly as the database gives them. Their order is the order in which they are hashed. */
export interface RecordRow {
  readonly audit_id: string
  readonly record_type: string
  readonly schema_version: number
  readonly occurred_at: string
  readonly recorded_at: string
  readonly client_id: string
  readonly ticker: string | null
  readonly position_value: string | null
  readonly borrow_rate: string | null
  readonly total_fee: string | null
  readonly request_id: string | null
  readonly actor_id: string | null
  /** The whole record, JSON. */
  readonly record: string
}

/** A record in its place. Hashes are 64 hex digits. */
export interface ChainLink {
  readonly auditId: string
  readonly sequence: number
  readonly prevHash: string
  readonly hash: string
  /** Null: there is a seal and no record. */
  readonly row: RecordRow | null
}

/** The signed end of a batch of records. */
export interface SignedHead {
  readonly sequence: number
  readonly firstSequence: number
  readonly hash: string
  readonly signedAt: string
  readonly keyId: string
  /** Base64. */
  readonly signature: string
}

/** The batch of a record, from the head before it to the head over it, and the record behind. */
export interface Stretch {
  /** Null: the chain begins here. */
  readonly anchor: SignedHead | null
  readonly links: readonly ChainLink[]
  /** Null: no signed head stands over the record. */
  readonly head: SignedHead | null
  /** The record one place behind; null: none was found. */
  readonly after: ChainLink | null
}

type Line =
  | { readonly kind: 'header'; readonly anchor: SignedHead | null }
  | { readonly kind: 'record'; readonly link: ChainLink }
  | { readonly kind: 'head'; readonly head: SignedHead }
  | { readonly kind: 'trailer' }

type Json = Readonly<Record<string, unknown>>

/** @throws SyntaxError when it is no line of an export */
export function readLine(text: string): Line {
  const json = JSON.parse(text) as Json
  switch (json.type) {
    case 'header':
      return { kind: 'header', anchor: json.anchor === null ? null : headOf(json.anchor as Json) }
    case 'record': {
      const row = (json.row as RecordRow | undefined) ?? null
      const auditId = row?.audit_id ?? String(json.gone)
      const { sequence, prev_hash, hash } = json as unknown as { sequence: number; prev_hash: string; hash: string }
      return { kind: 'record', link: { auditId, sequence, prevHash: prev_hash, hash, row } }
    }
    case 'head':
      return { kind: 'head', head: headOf(json) }
    case 'trailer':
      return { kind: 'trailer' }
    default:
      throw new SyntaxError('This is no line of an export.')
  }
}

function headOf(json: Json): SignedHead {
  return {
    sequence: json.sequence as number,
    firstSequence: json.first_sequence as number,
    hash: json.hash as string,
    signedAt: json.signed_at as string,
    keyId: json.key_id as string,
    signature: json.signature as string,
  }
}

/**
 * Reads no further than it must.
 * @param pieces an export that begins in front of the record, cut anywhere
 * @returns null when the record is not in it
 */
export async function stretchAround(auditId: string, pieces: AsyncIterable<string>): Promise<Stretch | null> {
  let anchor: SignedHead | null = null
  let links: ChainLink[] = []
  let head: SignedHead | null = null
  const isIn = () => links.some((link) => link.auditId === auditId)
  const stretch = (behind: ChainLink | null): Stretch => {
    const at = links.findIndex((link) => link.auditId === auditId)
    return { anchor, links, head, after: links[at + 1] ?? behind }
  }
  for await (const text of linesOf(pieces)) {
    const line = readLine(text)
    if (line.kind === 'header') anchor = line.anchor
    else if (line.kind === 'record') {
      if (head !== null) return stretch(line.link)
      links.push(line.link)
    } else if (line.kind === 'head') {
      if (isIn()) {
        head = line.head
        if (links.at(-1)?.auditId !== auditId) return stretch(null)
      } else {
        anchor = line.head
        links = []
      }
    }
  }
  return isIn() ? stretch(null) : null
}

async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield line
  }
  if (rest !== '') yield rest
}
