// Rows sent to the database with COPY: the statement, its data and their end leave in one write, so that it takes one round trip, as an
// insert does, and the data are taken as they are, neither escaped nor planned for. Not for a client that pipelines.
import type pg from 'pg'

/** Begins every COPY in binary form: signature, no flags, no extension. */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
/** In the place of a number of fields: no more rows. */
const TRAILER = Buffer.from([0xff, 0xff])

const QUERY = 0x51 // Q
const COPY_DATA = 0x64 // d
const COPY_DONE = 0x63 // c
const LENGTH_BYTES = 4

/**
 * Carries out `copy … from stdin (format binary)`.
 * @param rows as the binary form has them, without its header and trailer; copied at once
 * @throws what the database says, as a query does; then none of the rows is there
 */
export function copyIn(client: pg.PoolClient, statement: string, rows: Buffer, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyIn(messages(statement, rows), timeoutMs, (error) => (error ? reject(error) : resolve())))
  })
}

/** The three messages of the protocol, each a letter and its length, which counts itself. */
function messages(statement: string, rows: Buffer): Buffer {
  const queryLength = LENGTH_BYTES + Buffer.byteLength(statement) + 1
  const dataLength = LENGTH_BYTES + HEADER.length + rows.length + TRAILER.length
  const all = Buffer.allocUnsafe(3 + queryLength + dataLength + LENGTH_BYTES)
  let at = all.writeUInt8(QUERY, 0)
  at = all.writeUInt32BE(queryLength, at)
  at += all.write(statement, at)
  at = all.writeUInt8(0, at)
  at = all.writeUInt8(COPY_DATA, at)
  at = all.writeUInt32BE(dataLength, at)
  at += HEADER.copy(all, at)
  at += rows.copy(all, at)
  at += TRAILER.copy(all, at)
  at = all.writeUInt8(COPY_DONE, at)
  all.writeUInt32BE(LENGTH_BYTES, at)
  return all
}

/** What a client of pg carries out in the place of a query of its own. */
class CopyIn implements pg.Submittable {
  readonly #messages: Buffer
  /** Read by the client, which gives up after that long. */
  readonly query_timeout: number
  /** Replaced by the client, which stops its clock there. */
  callback: (error?: Error | null) => void

  constructor(messages: Buffer, timeoutMs: number, done: (error?: Error | null) => void) {
    this.#messages = messages
    this.query_timeout = timeoutMs
    this.callback = done
  }

  submit(connection: pg.Connection): void {
    connection.stream.write(this.#messages)
  }

  handleError(error: Error): void {
    const { callback } = this
    this.callback = () => {}
    callback(error)
  }

  handleReadyForQuery(): void {
    this.callback(null)
  }

  // Nothing is waited for between the messages.
  handleCopyInResponse(): void {}
  handleCommandComplete(): void {}
}
