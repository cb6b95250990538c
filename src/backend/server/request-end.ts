// The end of a request, whichever way it comes: its answer was sent, or its connection ended before. The framework tells of answers
// alone, and the platform says nothing of answers that wait behind another one on the same connection; what is counted or kept for a
// request must be let go in either case.
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    /** Waits for its connection to end before its answer does. Null: that is over. */
    ending: Waiter | null
  }
}

/** Is told when a connection ends. */
interface Waiter {
  closed(): void
}

/** One listener for all who wait, since there may be many requests on a connection at once. */
const waiters = Symbol('who waits for the end of the connection')
type WatchedSocket = Socket & { [waiters]?: Set<Waiter> }

function waitersOn(socket: WatchedSocket): Set<Waiter> {
  const known = socket[waiters]
  if (known !== undefined) return known
  const made = new Set<Waiter>()
  socket[waiters] = made
  socket.once('close', () => {
    for (const one of [...made]) one.closed()
  })
  return made
}

/** Calls back when the connection of a request ends before its answer does; at once when that has happened. */
export function whenGone(request: FastifyRequest, reply: FastifyReply, callback: () => void): void {
  const { socket } = request.raw
  if (socket.destroyed) {
    callback()
    return
  }
  const all = waitersOn(socket)
  const waiter: Waiter = {
    closed() {
      all.delete(waiter)
      if (!reply.raw.writableFinished) callback()
    },
  }
  all.add(waiter)
  reply.raw.once('finish', () => all.delete(waiter))
}

type EndListener = (request: FastifyRequest, reply: FastifyReply, gone: boolean) => void

class Ending implements Waiter {
  private readonly request: FastifyRequest
  private readonly reply: FastifyReply
  private readonly listener: EndListener

  constructor(request: FastifyRequest, reply: FastifyReply, listener: EndListener) {
    this.request = request
    this.reply = reply
    this.listener = listener
  }

  closed(): void {
    const { request, reply, listener } = this
    if (request.ending === null) return
    request.ending = null
    waitersOn(request.raw.socket).delete(this)
    listener(request, reply, !reply.raw.writableFinished)
  }
}

/**
 * Calls the listener once for each request that was begun.
 * @returns what begins one; to be called before anything else is done for a request
 */
export function onRequestEnd(
  app: FastifyInstance,
  listener: EndListener,
): (request: FastifyRequest, reply: FastifyReply) => void {
  app.decorateRequest('ending', null)
  app.addHook('onResponse', (request, _reply, done) => {
    request.ending?.closed()
    done()
  })
  return (request, reply) => {
    const ending = new Ending(request, reply, listener)
    request.ending = ending
    waitersOn(request.raw.socket).add(ending)
  }
}
