// Ranges of IPv4 addresses in CIDR notation.

export interface AddressRange {
  readonly first: number
  readonly last: number
}

/** `10.0.0.0/16` as its first and last address. */
export function addressRange(cidr: string): AddressRange {
  const range = read(cidr)
  if (range === null) throw new Error(`${cidr} is no range of IPv4 addresses`)
  return range
}

function read(cidr: string): AddressRange | null {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr)
  const [a = 256, b = 0, c = 0, d = 0, bits = 0] = (match ?? []).slice(1).map(Number)
  if ([a, b, c, d].some((octet) => octet > 255) || bits > 32) return null
  const size = 2 ** (32 - bits)
  const address = ((a * 256 + b) * 256 + c) * 256 + d
  const first = address - (address % size)
  return { first, last: first + size - 1 }
}

export function isAddressRange(text: unknown): text is string {
  return typeof text === 'string' && read(text) !== null
}

export function contains(outer: string, inner: string): boolean {
  const [o, i] = [addressRange(outer), addressRange(inner)]
  return o.first <= i.first && i.last <= o.last
}

export function overlaps(one: string, other: string): boolean {
  const [a, b] = [addressRange(one), addressRange(other)]
  return a.first <= b.last && b.first <= a.last
}

/** Everybody, in either protocol. */
export function isAnywhere(cidr: unknown): boolean {
  return cidr === '0.0.0.0/0' || cidr === '::/0'
}
