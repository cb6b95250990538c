// Where a request came from, as those see it who slow senders down and keep refusals on the record. The address is the one of the
// connection, or what a proxy of TRUSTED_PROXIES says of it; headers of anybody else change nothing.
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'

/** The address of a request's sender, IPv4 or IPv6. Text that a proxy passed on and that is no address is not believed. */
export function senderAddress(request: FastifyRequest): string {
  if (isIP(request.ip) !== 0) return request.ip
  return request.socket.remoteAddress ?? NO_ADDRESS
}

/** Of a connection that has ended already. */
const NO_ADDRESS = '0.0.0.0'

/** Groups of an IPv6 address that one customer of a provider has: the rest is theirs to change at will. */
const NETWORK_GROUPS = 4
const GROUPS = 8
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** Whom an address counts for: an IPv4 address for itself, an IPv6 address for its /64. Two texts of one address give one text. */
export function sameSender(address: string): string {
  if (isIP(address) !== 6) return address
  const mapped = MAPPED_IPV4.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  // The platform's canonical form: lower case, no leading zeros, one ::, no IPv4 at the end.
  const canonical = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
  const [before = '', after] = canonical.split('::')
  const groups = before === '' ? [] : before.split(':')
  const groupsAfter = after === undefined || after === '' ? [] : after.split(':')
  if (after !== undefined) groups.push(...Array(GROUPS - groups.length - groupsAfter.length).fill('0'), ...groupsAfter)
  return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`
}
