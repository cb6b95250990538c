// Where a webhook goes: its URL, and the addresses that its host has at this moment, every one of them checked. A delivery connects to
// the addresses that were checked and asks no resolver again, so that an answer that changes in between changes nothing.
import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import { holdsApiKey } from '../access/api-keys.ts'
import { reachOf } from './reachable-address.ts'
import { URL_LENGTH_MAX } from './webhook.ts'

/** The addresses of a host's name; none when it has none, or nobody answers. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>

export interface Target {
  readonly url: URL
  /** What may be connected to; at least one. */
  readonly addresses: readonly LookupAddress[]
}

export interface Targets {
  /** What is wrong with the text of a URL, as the end of a sentence that begins with `url`; null: nothing. Asks no resolver. */
  faultOf(text: string): string | null
  /** The target of a sound URL at this moment; null when its host has no address, or one that may not be called. */
  resolve(text: string): Promise<Target | null>
}

/** Of a host: nobody needs more, and each is checked. */
const ADDRESSES_MAX = 32
const RESOLVER_TIMEOUT_MS = 2000
const RESOLVER_TRIES = 2
/** Of all tries, at all servers. */
const RESOLVING_MS_MAX = 5000

/** The rule of a host, in one sentence for all its reasons: a different one for each would tell what names the inside has. */
export const HOST_RULE = 'must have a host whose every address is on the public internet'

/** @param options.allowedNetworks of which addresses are taken too, over plain HTTP as well */
export function targets(options: {
  readonly allowedNetworks: readonly string[]
  readonly resolveHost: ResolveHost
}): Targets {
  const { allowedNetworks, resolveHost } = options
  const reach = reachOf(allowedNetworks)

  function faultOf(text: string): string | null {
    if (text.length > URL_LENGTH_MAX || !URL.canParse(text) || /\s/.test(text)) {
      return `must be a URL of at most ${URL_LENGTH_MAX} characters`
    }
    const { protocol, username, password, port, hash, hostname } = new URL(text)
    if (protocol !== 'https:' && !(protocol === 'http:' && allowedNetworks.length > 0))
      return 'must begin with https://'
    if (username !== '' || password !== '') return 'must not hold a user or a password'
    if (hash !== '' || text.includes('#')) return 'must not hold a fragment'
    if (port === '0') return 'must have a port that can be called'
    if (holdsApiKey(text)) return 'must not hold an API key'
    return hostname === '' ? HOST_RULE : null
  }

  return {
    faultOf,
    async resolve(text) {
      const url = new URL(text)
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
      // The platform has turned every way of writing an IPv4 address (decimal, octal, hexadecimal, full width) into the one.
      const found = isIP(host) === 0 ? await resolveHost(host) : [host]
      const wanted = url.protocol === 'https:' ? ['public', 'allowed'] : ['allowed']
      if (found.length === 0 || found.length > ADDRESSES_MAX) return null
      if (!found.every((address) => wanted.includes(reach(address)))) return null
      return { url, addresses: found.map((address) => ({ address, family: isIP(address) })) }
    },
  }
}

/**
 * Asks DNS, and DNS alone: no file of hosts, no search list. The platform's other resolver would hold one of its few threads for as
 * long as a slow name server likes.
 * @param servers as `127.0.0.1:53`; unless said, those of the system
 */
export function dnsResolver(servers: readonly string[] | null = null): ResolveHost {
  return async (hostname) => {
    const resolver = new Resolver({ timeout: RESOLVER_TIMEOUT_MS, tries: RESOLVER_TRIES })
    if (servers !== null) resolver.setServers(servers)
    const late = setTimeout(() => resolver.cancel(), RESOLVING_MS_MAX)
    const found = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    clearTimeout(late)
    return found.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  }
}
