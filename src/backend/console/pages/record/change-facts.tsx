// A record of a change: what it was a change of, and each field that differs, before and after. Other records are shown as they are.
import type { AuditRecordAnswer } from '../../../client/index.ts'
import { Changes } from '../../ui/changes.tsx'
import classes from './facts.module.css'
import { kindText } from './kinds.ts'

interface ChangeRecord {
  readonly subject?: { readonly kind: string; readonly id: string }
  readonly changed?: readonly { readonly field: string; readonly before: unknown; readonly after: unknown }[]
}

/** What stands elsewhere on the screen. */
const SAID = new Set([
  'audit_id',
  'record_type',
  'schema_version',
  'occurred_at',
  'actor',
  'subject',
  'changed',
  'before',
  'after',
])

export function ChangeFacts({ answer }: { readonly answer: AuditRecordAnswer }) {
  const { record } = answer
  const { subject, changed } = record as unknown as ChangeRecord
  const others = Object.entries(record as unknown as Record<string, unknown>).filter(([name]) => !SAID.has(name))
  return (
    <section aria-label="What was recorded">
      <h3 className={classes.section}>
        {kindText(record.record_type)}
        {subject !== undefined && `: ${subject.id}`}
      </h3>
      {changed !== undefined && <Changes changes={changed} titles={['Field', 'Before', 'After']} />}
      {others.length > 0 && (
        <dl className={classes.facts}>
          {others.map(([name, value]) => (
            <div key={name}>
              <dt>{name.replaceAll('_', ' ')}</dt>
              <dd>{typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? 'none')}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  )
}
