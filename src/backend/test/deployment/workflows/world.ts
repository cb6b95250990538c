// Everything outside that a deployment talks to and that is not AWS or Kubernetes, as one server: GitHub's API, Slack, the engineer on call, a Pushgateway,
// Grafana, and the address of the environment, where the engine's gateway answers with the version that it has.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Told {
  /** `POST /api.slack` */
  readonly what: string
  readonly body: string
}

export interface World {
  readonly url: string
  /** What was told to anybody since it was emptied. */
  readonly told: Told[]
  /** Issues that are open, by number. */
  readonly issues: {
    readonly number: number
    readonly title: string
    readonly labels: readonly string[]
    comments: number
  }[]
  /** Who approved the run, as GitHub's reviews say it. */
  approvers: string[]
  /** The gateway answers, but not as it should. */
  isIll: boolean
  end(): Promise<void>
}

/** @param versionOf what the gateway of an environment runs now */
export async function startWorld(versionOf: (environment: string) => string): Promise<World> {
  const world = { told: [] as Told[], issues: [] as World['issues'], approvers: [] as string[], isIll: false }
  const answer = (method: string, path: string, body: string): [status: number, answer: unknown] => {
    const { pathname, searchParams } = new URL(path, 'http://world')
    const repository = /^\/github\/repos\/example\/borrow-rate-engine\/(.*)$/.exec(pathname)?.[1]
    if (method !== 'GET') world.told.push({ what: `${method} ${pathname}`, body })
    if (/^actions\/runs\/\d+\/approvals$/.test(repository ?? '')) {
      const environments = [{ name: 'production-approval' }]
      return [200, world.approvers.map((login) => ({ state: 'approved', user: { login }, environments }))]
    }
    if (repository === 'issues' && method === 'GET') {
      return [200, world.issues.filter(({ labels }) => labels.includes(searchParams.get('labels') ?? ''))]
    }
    if (repository === 'issues') {
      const number = world.issues.length + 1
      world.issues.push({ ...(JSON.parse(body) as { title: string; labels: string[] }), number, comments: 0 })
      return [201, { number }]
    }
    const commented = world.issues.find(({ number }) => repository === `issues/${number}/comments`)
    if (commented !== undefined) {
      commented.comments += 1
      return [201, {}]
    }
    const environment = /^\/engine\/(\w+)\/health$/.exec(pathname)?.[1]
    if (environment !== undefined) {
      return world.isIll ? [503, { status: 'down' }] : [200, { status: 'ok', version: versionOf(environment) }]
    }
    if (/^\/(slack|on-call|pushgateway|grafana)\b/.test(pathname)) return [200, { ok: true }]
    return [404, { message: `nothing is at ${path}` }]
  }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (bytes: Buffer) => {
      body += bytes.toString()
    })
    request.on('end', () => {
      const [status, said] = answer(request.method ?? 'GET', request.url ?? '/', body)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(said))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return Object.assign(world, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    end: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  })
}
