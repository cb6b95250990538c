// Answers the canary's questions as Prometheus would, from a table of what has been seen: `600 1 41` is 600 requests, one failed, p95 41 ms;
// `-` is no data; `away` cuts the connection.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type SeenOf = (version: 'canary' | 'stable') => string

export interface PrometheusStandIn {
  readonly url: string
  /** Questions so far. */
  readonly asked: readonly string[]
  end(): Promise<void>
}

export async function startPrometheusStandIn(seenOf: SeenOf): Promise<PrometheusStandIn> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (bytes: Buffer) => {
      body += bytes.toString()
    })
    request.on('end', () => {
      const question = new URLSearchParams(body).get('query') ?? ''
      asked.push(question)
      const seen = seenOf(question.includes('pod!~') ? 'stable' : 'canary')
      if (seen === 'away') return response.destroy()
      const [requests, errors, p95Ms] = seen.split(' ').map(Number)
      const value = /^histogram_quantile/.test(question)
        ? (p95Ms ?? Number.NaN) / 1000
        : question.includes('status=~')
          ? errors
          : requests
      const result = seen === '-' ? [] : [{ metric: {}, value: [Date.now() / 1000, String(value)] }]
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    end: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
