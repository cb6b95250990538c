// What every route of the gateway does with a request and an answer: the context that travels on, and JSON text that is
// passed through as it came.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type CallContext, DEADLINE_DEFAULT_MS, traceparentOf } from '../server/call-context.ts'

/** The context of a public request. */
export function contextOf(request: FastifyRequest): CallContext {
  return {
    requestId: request.id,
    traceparent: request.traceparent ?? traceparentOf(undefined),
    deadlineMs: Date.now() + DEADLINE_DEFAULT_MS,
  }
}

const asItIs = (text: string) => text

/** Sends text that is JSON already, made where the numbers are. */
export function sendJsonText(reply: FastifyReply, text: string): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').serializer(asItIs).send(text)
}
