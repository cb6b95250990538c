// The proof of one record, step by step, and the means to make it again elsewhere.
import { Button, Textarea } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { useState } from 'react'
import type { AuditRecordAnswer } from '../../../client/index.ts'
import { wordsOf } from '../../api.ts'
import { WordBadge } from '../../ui/badges.tsx'
import { momentText } from '../../ui/formats.ts'
import { Failure, Loading } from '../../ui/states.tsx'
import { timeOfId } from './ask.ts'
import { ChainProgress, useChainCheck } from './chain-progress.tsx'
import { shortHash } from './chain-strip.tsx'
import { canCompute, type FirstBad, type Proof, type ProofStep } from './proof.ts'
import classes from './proof-view.module.css'
import { type Proved, trustedKeys, useTrustedKeys } from './use-proof.ts'

const MARKS = { good: '✓', bad: '✕', unknown: '○' } as const

export function ProofView({
  auditId,
  answer,
  proof,
  onOpen,
}: {
  readonly auditId: string
  readonly answer: AuditRecordAnswer
  readonly proof: UseQueryResult<Proved>
  readonly onOpen: (auditId: string) => void
}) {
  const computed = proof.data?.proof ?? null
  return (
    <section aria-label="Proof">
      <div className={classes.head}>
        <h3>Proof, computed in this browser</h3>
        {computed !== null && (
          <WordBadge tone={computed.proved ? 'good' : 'bad'}>{computed.proved ? '✓ Proved' : '✕ Altered'}</WordBadge>
        )}
      </div>
      {answer.sequence === null ? (
        <p className="quiet">There is nothing to prove until it is sealed; this screen looks again by itself.</p>
      ) : !canCompute() ? (
        <ByTheServer
          auditId={auditId}
          why="This page came over plain HTTP from another machine, and browsers compute no hashes for such pages. Open it over HTTPS, or have the server check."
        />
      ) : proof.error !== null ? (
        <>
          <Failure error={proof.error} compact onRetry={() => void proof.refetch()} />
          <ByTheServer auditId={auditId} why="The server can check the chain itself." />
        </>
      ) : proof.data === undefined ? (
        <Loading rows={6} label="Computing the proof" />
      ) : computed === null ? (
        <ByTheServer
          auditId={auditId}
          why="Its month has left the log, and what leads to it lies in locked storage, under a signed checkpoint."
        />
      ) : (
        <Computed auditId={auditId} proof={computed} onOpen={onOpen} />
      )}
      <p className={classes.note}>
        A chain shows alteration; it does not prevent it.
        {computed?.head && ` The head over this record was signed at ${momentText(computed.head.signedAt)}.`}
      </p>
    </section>
  )
}

function Computed({
  auditId,
  proof,
  onOpen,
}: {
  readonly auditId: string
  readonly proof: Proof
  readonly onOpen: (auditId: string) => void
}) {
  return (
    <>
      {proof.firstBad !== null && <Bad auditId={auditId} bad={proof.firstBad} onOpen={onOpen} />}
      <ol className={classes.steps}>
        {proof.steps.map((step) => (
          <Step key={step.name} step={step} />
        ))}
      </ol>
    </>
  )
}

function Bad({
  auditId,
  bad,
  onOpen,
}: {
  readonly auditId: string
  readonly bad: FirstBad
  readonly onOpen: (auditId: string) => void
}) {
  return (
    <div className={classes.bad} role="alert">
      <p>
        <b>First bad record: place {bad.sequence}</b>
        {bad.auditId === auditId ? ', this one' : ', another of the same batch'}
      </p>
      <p>{bad.sentence}</p>
      <dl>
        <dt>Record</dt>
        <dd className="mono">{bad.auditId}</dd>
        <dt>Stored hash</dt>
        <dd className="mono">{bad.stored}</dd>
        <dt>Computed here</dt>
        <dd className="mono">{bad.computed}</dd>
      </dl>
      {bad.auditId !== auditId && <Button onClick={() => onOpen(bad.auditId)}>Open that record</Button>}
    </div>
  )
}

function Step({ step }: { readonly step: ProofStep }) {
  const line = (
    <>
      <span className={classes.mark} aria-hidden="true">
        {MARKS[step.found]}
      </span>
      <span className={classes.words}>
        <span className="only-read">{step.found === 'unknown' ? 'not checked: ' : ''}</span>
        {step.title}
      </span>
      <span className={`mono ${classes.fact}`}>{shortHash(step.fact)}</span>
    </>
  )
  if (step.details.length === 0) {
    return (
      <li className={classes.step} data-found={step.found}>
        <div className={classes.line}>{line}</div>
      </li>
    )
  }
  return (
    <li className={classes.step} data-found={step.found}>
      <details>
        <summary className={classes.line}>{line}</summary>
        <dl className={classes.details}>
          {step.details.map(({ label, text }) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>
                <pre className="mono" tabIndex={text.length > 200 ? 0 : undefined}>
                  {text}
                </pre>
              </dd>
            </div>
          ))}
        </dl>
        {step.name === 'signature' && <KeyForm found={step.found} />}
      </details>
    </li>
  )
}

/** The auditor's own copy of the public key: whoever keeps the database does not vouch for it. */
function KeyForm({ found }: { readonly found: ProofStep['found'] }) {
  const [pem, setPem] = useState('')
  const [error, setError] = useState<unknown>(null)
  const kept = useTrustedKeys()
  const add = () => {
    trustedKeys.add(pem).then(() => setPem(''), setError)
  }
  return (
    <div className={classes.key}>
      {found === 'unknown' && (
        <>
          <Textarea
            label="Public key, PEM"
            description="As it was given to you, by another way than the records. It stays in this browser."
            value={pem}
            onChange={(event) => {
              setPem(event.currentTarget.value)
              setError(null)
            }}
            error={error === null ? undefined : wordsOf(error).sentence}
            autosize
            minRows={3}
            maxRows={6}
            spellCheck={false}
          />
          <Button onClick={add} disabled={pem.trim() === ''}>
            Check with this key
          </Button>
        </>
      )}
      {kept !== '' && (
        <Button variant="subtle" onClick={() => trustedKeys.forget()}>
          Forget the keys of this browser
        </Button>
      )}
    </div>
  )
}

function ByTheServer({ auditId, why }: { readonly auditId: string; readonly why: string }) {
  const check = useChainCheck()
  const time = timeOfId(auditId)
  const range = { from: new Date(time).toISOString(), to: new Date(time + 1).toISOString() }
  return (
    <div className={classes.server}>
      <p className="quiet">{why}</p>
      <Button onClick={() => check.start(range)} disabled={check.state.kind === 'running'}>
        Have the server check
      </Button>
      <ChainProgress state={check.state} />
    </div>
  )
}
