// The two ends of a wire in one test: a function is served on a private door and called through it, so that one suite can hold the
// function and the wire to the same promises.
import { type InternalClient, internalClient } from '../server/internal-client.ts'
import { internalServer, type Served } from '../server/internal-server.ts'
import { createLog } from '../server/log.ts'

export interface Wire {
  readonly client: InternalClient
  close(): Promise<void>
}

export async function wireTo(operations: readonly Served[]): Promise<Wire> {
  const log = createLog({ service: 'test', level: 'fatal' })
  const server = await internalServer({ host: '127.0.0.1', port: 0, tls: null, operations, log })
  const client = internalClient({ url: server.url, service: 'test', tls: null, log })
  return {
    client,
    close: async () => {
      await client.close()
      await server.close()
    },
  }
}
