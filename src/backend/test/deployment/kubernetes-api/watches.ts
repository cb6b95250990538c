// Watches: what changed since the version a client has seen, and then what changes.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiFailure, type ApiObject } from './api-object.ts'
import { apiVersionOf } from './kinds.ts'
import { matching, type Target } from './request.ts'
import type { ObjectEvent, Store } from './store.ts'
import { isTableAsked, tableOf } from './tables.ts'

export interface Watches {
  serve(target: Target, request: IncomingMessage, response: ServerResponse): void
  /** Cuts them all in the middle. */
  cut(): void
}

const BOOKMARK_EVERY_MS = 5_000

export function createWatches(store: Store): Watches {
  const open = new Set<ServerResponse>()

  function serve(target: Target, request: IncomingMessage, response: ServerResponse): void {
    const { kind, query } = target
    const holds = matching(target)
    const asTable = isTableAsked(request)
    const shape = (object: ApiObject) => (asTable ? tableOf(kind, [object], String(store.version)) : object)
    const send = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`)
    const pass = ({ type, kind: changed, object, previous }: ObjectEvent) => {
      if (changed.plural !== kind.plural || changed.group !== kind.group) return
      const [was, is] = [previous !== null && holds(previous), type !== 'DELETED' && holds(object)]
      if (is) send(was ? 'MODIFIED' : 'ADDED', shape(object))
      else if (was) send('DELETED', shape(object))
    }
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.flushHeaders()
    const from = query.get('resourceVersion') ?? ''
    if (from === '' || from === '0') for (const object of store.list(kind).filter(holds)) send('ADDED', shape(object))
    else {
      try {
        for (const event of store.since(Number(from))) pass(event)
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error
        send('ERROR', error.body())
        response.end()
        return
      }
    }
    const unsubscribe = store.subscribe(pass)
    const bookmark = () => {
      const metadata = { resourceVersion: String(store.version) }
      send('BOOKMARK', { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata })
    }
    const bookmarks = query.get('allowWatchBookmarks') === 'true' ? setInterval(bookmark, BOOKMARK_EVERY_MS) : undefined
    const seconds = Number(query.get('timeoutSeconds') ?? 0)
    const limit = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined
    open.add(response)
    // Of the response: the request is at its end as soon as it has been read.
    response.once('close', () => {
      clearInterval(bookmarks)
      clearTimeout(limit)
      unsubscribe()
      open.delete(response)
    })
  }

  return {
    serve,
    cut: () => {
      for (const response of open) response.destroy()
    },
  }
}
