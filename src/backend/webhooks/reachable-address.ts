// Which addresses a webhook may be delivered to. Whoever registers one chooses where this process connects to, so it must never be a
// door into the network that it stands in: only addresses that anybody on the internet could call are taken, and those of networks
// that the operator names.
import { BlockList, isIP } from 'node:net'

/** `public`: anybody's. `allowed`: of a network that the operator names. `refused`: neither. */
export type Reach = 'public' | 'allowed' | 'refused'

/** IPv4 that is not the public internet (the registry of RFC 6890), and what clouds answer machines on although it looks public. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared by a provider's customers; metadata of one cloud
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // the host of a machine in one cloud
  '169.254.0.0/16', // link-local; metadata of most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments; metadata of one cloud
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
]
/** All public IPv6 addresses lie in here: loopback, private, link-local, multicast and mapped ones do not. */
const GLOBAL_IPV6 = '2000::/3'
const SPECIAL_IPV6 = [
  '2001::/23', // protocol assignments: Teredo, benchmarks, overlays
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: an IPv4 address inside
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
]

const special = networks([...SPECIAL_IPV4, ...SPECIAL_IPV6])
const global = networks([GLOBAL_IPV6])

/**
 * @param allowedNetworks addresses or networks as `10.0.0.0/8`
 * @returns what an IP address is; any text that is none is refused
 */
export function reachOf(allowedNetworks: readonly string[]): (address: string) => Reach {
  const allowed = networks(allowedNetworks)
  return (given) => {
    const address = withoutDisguise(given)
    if (address === null) return 'refused'
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
    if (allowed.check(address, family)) return 'allowed'
    if (special.check(address, family)) return 'refused'
    return family === 'ipv4' || global.check(address, family) ? 'public' : 'refused'
  }
}

function networks(texts: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of texts) {
    const [address = '', prefix] = text.split('/')
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
    list.addSubnet(address, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family)
  }
  return list
}

/** `::ffff:a.b.c.d` is that IPv4 address, and `64:ff9b::a.b.c.d` leads to it through the network's own translator (RFC 6052). */
const IPV4_INSIDE = /^(?:::ffff:|64:ff9b::)(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})?$/

/** An address in one form, as what it leads to; null: no address. */
function withoutDisguise(address: string): string | null {
  const version = isIP(address)
  if (version !== 6) return version === 4 ? address : null
  // A zone says on which of this machine's links the address lies: none of those is public.
  if (address.includes('%')) return null
  // The platform's canonical form: lower case, no leading zeros, one ::, no IPv4 at the end.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const inside = IPV4_INSIDE.exec(canonical)
  if (inside === null) return canonical
  const [high, low] = [inside[1] ?? '0', inside[2] ?? '0'].map((group) => Number.parseInt(group, 16)) as [
    number,
    number,
  ]
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}
