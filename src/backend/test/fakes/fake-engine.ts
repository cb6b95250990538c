// An engine at the socket that answers what a test tells it to: for what clients do when answers are late, cut off or refusals.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'vitest'

export interface Asked {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type GiveAnswer = (response: ServerResponse) => void

const cleanUps: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

/** Answers the n-th request with the n-th answer, and the last one from then on. It is gone when the test ends. */
export async function fakeEngine(...answers: GiveAnswer[]): Promise<{ asked: Asked[]; baseUrl: string }> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    asked.push({ method: request.method, url: request.url, headers: request.headers, body })
    answers[Math.min(asked.length, answers.length) - 1]?.(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { asked, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

export function answer(
  status: number,
  body: string | object,
  headers: Record<string, string | string[]> = {},
): GiveAnswer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'r-7', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}

export function refusal(status: number, code: string, headers: Record<string, string> = {}): GiveAnswer {
  return answer(status, { status: 'error', error: `A sentence for ${code}.`, error_code: code }, headers)
}
