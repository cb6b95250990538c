// The end of a request, whichever way it comes: its answer was sent, or its connection ended before. The framework tells of answers
// alone, and the platform says nothing of answers that wait behind another one on the same connection; what is counted or kept for a
// request must be let go in either case.
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** What waits for the end of a connection: one listener for all, since there may be many requests on it at once. */
const waiting = new WeakMap<Socket, Set<() => void>>()

/** @returns a function that waits no more */
function whenClosed(socket: Socket, callback: () => void): () => void {
  let all = waiting.get(socket)
  if (all === undefined) {
    const those = new Set<() => void>()
    all = those
    waiting.set(socket, those)
    socket.once('close', () => {
      for (const one of [...those]) one()
    })
  }
  const those = all
  those.add(callback)
  return () => those.delete(callback)
}

/** Calls back when the connection of a request ends before its answer does; at once when that has happened. */
export function whenGone(request: FastifyRequest, reply: FastifyReply, callback: () => void): void {
  const { socket } = request.raw
  if (socket.destroyed) {
    callback()
    return
  }
  const waitNoMore = whenClosed(socket, () => {
    waitNoMore()
    if (!reply.raw.writableFinished) callback()
  })
  reply.raw.once('finish', waitNoMore)
}

/** Calls the listener once for each request that was begun. Call it before other hooks are added. */
export function onRequestEnd(
  app: FastifyInstance,
  listener: (request: FastifyRequest, reply: FastifyReply, gone: boolean) => void,
): void {
  const underWay = new WeakMap<FastifyRequest, () => void>()
  function end(request: FastifyRequest, reply: FastifyReply, gone: boolean): void {
    const waitNoMore = underWay.get(request)
    if (waitNoMore === undefined) return
    waitNoMore()
    underWay.delete(request)
    listener(request, reply, gone)
  }
  app.addHook('onRequest', (request, reply, done) => {
    underWay.set(
      request,
      whenClosed(request.raw.socket, () => end(request, reply, !reply.raw.writableFinished)),
    )
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    end(request, reply, !reply.raw.writableFinished)
    done()
  })
}
