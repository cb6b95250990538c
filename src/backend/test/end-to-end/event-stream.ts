// How tests listen to server-sent events: every event that came, in order, and waiting for the one that is meant.
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { parseExactJson } from '../../client/exact-json.ts'
import { sleep } from './deployment.ts'

export interface ServerEvent {
  readonly event: string
  /** Of the event itself; null: it had none. */
  readonly id: string | null
  /** Numbers as their exact text. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into events
  readonly data: any
}

export interface EventReader {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** All that came so far. */
  readonly text: () => string
  readonly events: () => readonly ServerEvent[]
  /** The next event of a name that fits, after those that `next` gave before. */
  next(event: string, fits?: (data: ServerEvent['data']) => boolean, waitMs?: number): Promise<ServerEvent>
  /** The last id that came, as a browser keeps it. */
  lastEventId(): string | null
  /** Resolves when the other side has ended it. */
  readonly ended: Promise<void>
  close(): void
}

const WAIT_MS = 10_000
const OPEN_WAIT_MS = 10_000

const readers = new Set<EventReader>()

/** Closes what tests have left open. */
export function closeReaders(): void {
  for (const reader of readers) reader.close()
}

/** Opens a stream. The answer may be a refusal: then its text is whole when `ended` is. */
export function listen(
  deployed: { readonly url: string },
  what: { readonly path?: string; readonly headers: Readonly<Record<string, string>>; readonly from?: string },
): Promise<EventReader> {
  const { hostname, port } = new URL(deployed.url)
  return new Promise((done, fail) => {
    const request = httpRequest(
      {
        hostname,
        port,
        path: what.path ?? '/api/v1/rates/stream',
        headers: { accept: 'text/event-stream', ...what.headers },
        agent: false,
        ...(what.from !== undefined && { localAddress: what.from }),
      },
      (answer) => {
        clearTimeout(late)
        let text = ''
        let taken = 0
        answer.setEncoding('utf8').on('data', (piece: string) => {
          text += piece
        })
        const ended = new Promise<void>((over) => answer.once('close', over))
        answer.on('error', () => {})
        const reader: EventReader = {
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          text: () => text,
          events: () => eventsOf(text),
          async next(event, fits = () => true, waitMs = WAIT_MS) {
            const until = performance.now() + waitMs
            for (;;) {
              const events = eventsOf(text)
              const at = events.findIndex((each, index) => index >= taken && each.event === event && fits(each.data))
              if (at >= 0) {
                taken = at + 1
                return events[at] as ServerEvent
              }
              if (performance.now() > until)
                throw new Error(`no ${event} came within ${waitMs} ms, but:\n${text.slice(-3000)}`)
              await sleep(10)
            }
          },
          lastEventId: () => [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? null,
          ended,
          close: () => {
            readers.delete(reader)
            request.destroy()
          },
        }
        readers.add(reader)
        done(reader)
      },
    )
    const late = setTimeout(() => request.destroy(new Error('no answer to a stream')), OPEN_WAIT_MS)
    request.on('error', fail)
    request.end()
  })
}

function eventsOf(text: string): ServerEvent[] {
  const blocks = text.split('\n\n').slice(0, -1)
  return blocks.flatMap((block) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null
    const [event, data] = [field('event'), field('data')]
    return event === null || data === null ? [] : [{ event, id: field('id'), data: parseExactJson(data) }]
  })
}
