// Who has to reach whom, written from what the services do (src/backend/services, docs/configuration.md), not from the policies. What does
// not stand here must not be possible.

const SERVICES = 'api-gateway, api-gateway-canary, calculation-service, data-service, cache-service, audit-service'
const WITH_DATABASE = 'api-gateway, api-gateway-canary, calculation-service, data-service, audit-service'
const AT_THE_DATABASE = 'db-init, db-migrate, db-seed, database-shell'

const TABLE = `
from                              | to                       | port            | why
load balancer                     | api-gateway              | 8444            | clients come through it alone, with TLS
load balancer                     | api-gateway-canary       | 8444            | and a share of them to the canary
prometheus                        | ${SERVICES}              | 8000            | collects metrics
prometheus                        | traffic-split-controller | 8000            | collects metrics
api-gateway, api-gateway-canary   | calculation-service      | 8443            | prices
api-gateway, api-gateway-canary   | data-service             | 8443            | feeds' health, brokers, stocks, models
api-gateway, api-gateway-canary   | audit-service            | 8443            | records
api-gateway, api-gateway-canary   | cache-service            | 8443            | how it is
calculation-service               | data-service             | 8443            | inputs of a price
cache-service                     | data-service             | 8443            | what it keeps warm
audit-service                     | data-service             | 8443            | the feeds, in its health
${WITH_DATABASE}                  | pgbouncer                | 6432            | their database, each as its own user
${WITH_DATABASE}                  | database                 | 5432            | past the pooler, after a restore by hand
${WITH_DATABASE}                  | database replica         | 5432            | reads that may be late
${SERVICES}                       | redis                    | 6379            | copies, limits, news
${SERVICES}                       | tempo                    | 4318            | traces
pgbouncer                         | database                 | 5432            | what it pools
pgbouncer                         | database replica         | 5432            | the other address of the same subnets
${AT_THE_DATABASE}                | database                 | 5432            | tables, users, reference data
${AT_THE_DATABASE}                | database replica         | 5432            | the other address of the same subnets
data-service                      | server on the internet   | 443             | feeds
data-service                      | storage                  | 443             | policies know no names: the internet is one
api-gateway, api-gateway-canary   | server on the internet   | 443             | webhooks
api-gateway, api-gateway-canary   | storage                  | 443             | policies know no names: the internet is one
audit-service                     | storage                  | 443             | exports and heads of the chain
audit-service                     | server on the internet   | 443             | policies know no names: the internet is one
audit-service                     | pod identity agent       | 80              | the role it may write to storage in
traffic-split-controller          | kubernetes api           | 443             | splits and routes
${SERVICES}                       | dns                      | 53, 53/udp      | names
pgbouncer, ${AT_THE_DATABASE}                | dns                      | 53, 53/udp      | names
traffic-split-controller          | dns                      | 53, 53/udp      | names
stranger                          | dns                      | 53, 53/udp      | names are no secret; everything else is closed to it
`

/** Every connection by itself: `api-gateway -> redis 6379`. */
export function expectedConnections(there: (place: string) => boolean): Set<string> {
  const [, ...rows] = TABLE.trim().split('\n')
  return new Set(
    rows.flatMap((row) => {
      const [from = [], to = [], ports = []] = row.split('|').map((cell) => cell.split(',').map((word) => word.trim()))
      return from
        .filter(there)
        .flatMap((one) => to.filter(there).flatMap((other) => ports.map((port) => connection(one, other, port))))
    }),
  )
}

export function connection(from: string, to: string, port: string): string {
  return `${from} -> ${to} ${port}`
}
