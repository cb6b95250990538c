// The address of a Redis as one text. `redis://` is one server, `rediss://` the same over TLS; with `+cluster` behind it, the hosts
// are some nodes of a cluster, by commas, of which one must answer for all to be found.

export interface RedisAddress {
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  readonly cluster: boolean
  readonly tls: boolean
  readonly username: string | null
  readonly password: string | null
  /** Number of the database; a cluster has only 0. */
  readonly database: number
}

export const REDIS_URL_FORM =
  'redis://user:password@host:6379/0, or redis+cluster://host:6379,host:6379; rediss for TLS'

const PORT = 6379
const URL_PARTS = /^redis(s?)(\+cluster)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/]+?)(?:\/(\d{1,4})?)?$/
const NODE = /^([a-zA-Z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?$/

/** Null: the text has another form. Characters of user and password that mean something in a URL are percent-encoded. */
export function readRedisUrl(text: string): RedisAddress | null {
  const [whole, tls, cluster, username, password, hosts = '', database = '0'] = URL_PARTS.exec(text) ?? []
  if (whole === undefined) return null
  const nodes = hosts.split(',').map(readNode)
  if (nodes.includes(null)) return null
  if (cluster === undefined ? nodes.length > 1 : database !== '0') return null
  try {
    return {
      nodes: nodes as RedisAddress['nodes'],
      cluster: cluster !== undefined,
      tls: tls === 's',
      username: username ? decodeURIComponent(username) : null,
      password: password ? decodeURIComponent(password) : null,
      database: Number(database),
    }
  } catch {
    return null // a percent sign that encodes nothing
  }
}

function readNode(text: string): { host: string; port: number } | null {
  const [, host, portText] = NODE.exec(text) ?? []
  const port = portText === undefined ? PORT : Number(portText)
  if (host === undefined || port < 1 || port > 65_535) return null
  return { host: host.replace(/^\[|\]$/g, ''), port }
}
