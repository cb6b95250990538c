// An engine that is wrong on purpose: a real one behind a proxy that alters what it says.
import { createServer, type Server } from 'node:http'

export interface Altered {
  readonly status: number
  readonly text: string
}

export interface AlteringProxy {
  readonly url: string
  close(): Promise<void>
}

/** @param alter gives another answer to a path, or null to leave the engine's as it is */
export async function startAlteringProxy(
  engineUrl: string,
  alter: (path: string, answer: Altered) => Altered | null,
): Promise<AlteringProxy> {
  const server: Server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const { host: _, connection: __, ...sent } = request.headers
    const path = request.url ?? '/'
    const answer = await fetch(engineUrl + path, {
      method: request.method ?? 'GET',
      headers: Object.entries(sent).flatMap(([name, value]) =>
        typeof value === 'string' && !['content-length', 'accept-encoding'].includes(name) ? [[name, value]] : [],
      ),
      ...(parts.length > 0 && { body: Buffer.concat(parts) }),
    })
    const original = { status: answer.status, text: await answer.text() }
    const { status, text } = alter(path, original) ?? original
    const headers = Object.fromEntries(
      [...answer.headers].filter(
        ([name]) => !['content-length', 'content-encoding', 'connection', 'transfer-encoding'].includes(name),
      ),
    )
    response.writeHead(status, headers).end(status === 304 ? undefined : text)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
