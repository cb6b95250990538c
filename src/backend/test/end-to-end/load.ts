// Quotes without a pause from several connections, while something happens to the deployment; and what became of each.
import type pg from 'pg'
import type { Deployment } from './deployment.ts'
import { sleep } from './deployment.ts'
import { ask } from './http.ts'

export interface Outcome {
  /** 0: the connection broke before an answer came. */
  readonly status: number
  readonly errorCode: string | null
  readonly retryAfter: string | null
  readonly auditId: string | null
  /** When it was over, by performance.now(). */
  readonly at: number
}

export interface Load {
  readonly outcomes: readonly Outcome[]
  /** Resolves when every connection has its last answer. */
  stop(): Promise<readonly Outcome[]>
}

const PAUSE_AFTER_FAILURE_MS = 10

export function startLoad(deployed: Deployment, { connections = 8 } = {}): Load {
  const outcomes: Outcome[] = []
  let over = false
  async function work(): Promise<void> {
    while (!over) {
      const outcome = await oneQuote(deployed)
      outcomes.push(outcome)
      if (outcome.status !== 200) await sleep(PAUSE_AFTER_FAILURE_MS)
    }
  }
  const workers = Promise.all(Array.from({ length: connections }, work))
  return {
    outcomes,
    async stop() {
      over = true
      await workers
      return outcomes
    },
  }
}

const BODY = { ticker: 'GME', position_value: 50_000, loan_days: 30, client_id: 'demo-classic' }

async function oneQuote(deployed: Deployment): Promise<Outcome> {
  try {
    const answer = await ask(deployed, { path: '/api/v1/calculate-locate', key: deployed.keys.desk, body: BODY })
    const { audit_id, error_code } = answer.json
    return {
      status: answer.status,
      errorCode: error_code ?? null,
      retryAfter: answer.headers['retry-after'] ?? null,
      auditId: audit_id ?? null,
      at: performance.now(),
    }
  } catch {
    return { status: 0, errorCode: null, retryAfter: null, auditId: null, at: performance.now() }
  }
}

/** The ids of the prices that were answered. */
export function answered(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ auditId }) => (auditId === null ? [] : [auditId]))
}

/** Those that are on no record. */
export async function lost(database: pg.Pool, auditIds: readonly string[]): Promise<string[]> {
  const { rows } = await database.query<{ audit_id: string }>(
    'select audit_id from audit_records where audit_id = any($1)',
    [auditIds],
  )
  const kept = new Set(rows.map(({ audit_id }) => audit_id))
  return auditIds.filter((id) => !kept.has(id))
}

/** Waits until something holds. @throws Error when it does not within the time */
export async function until(what: string, holds: () => boolean | Promise<boolean>, waitMs = 15_000): Promise<void> {
  const late = performance.now() + waitMs
  while (!(await holds())) {
    if (performance.now() > late) throw new Error(`waited ${waitMs} ms for ${what}`)
    await sleep(5)
  }
}
