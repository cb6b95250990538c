// One record, whole: what it says, its place in the chain and the proof of it, the same price made again.
import { Button, Popover, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { AuditRecordAnswer, QuoteRecordAnswer } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { useShortcuts } from '../../app/shortcuts.ts'
import { SealBadge } from '../../ui/badges.tsx'
import { useCopy } from '../../ui/copy.ts'
import { download } from '../../ui/download.ts'
import { momentText, timeText, usdText } from '../../ui/formats.ts'
import { Failure, Loading } from '../../ui/states.tsx'
import { Waterfall } from '../../ui/waterfall.tsx'
import { isAuditId } from './ask.ts'
import { ChainStrip } from './chain-strip.tsx'
import { ChangeFacts } from './change-facts.tsx'
import classes from './detail.module.css'
import { Facts, Inputs, sourcesOfSteps } from './facts.tsx'
import { kindText } from './kinds.ts'
import { ProofView } from './proof-view.tsx'
import { ReplayTable, useReplay } from './replay-table.tsx'
import { useProof } from './use-proof.ts'

const UNSEALED_POLL_MS = 1_500

export function useRecord(auditId: string) {
  return useQuery({
    queryKey: ['record', 'one', auditId],
    queryFn: ({ signal }) => api.records.read(auditId, { signal }),
    refetchInterval: ({ state }) => (state.data?.sequence === null ? UNSEALED_POLL_MS : false),
  })
}

/** Whether the record is of a price, of a form that this screen knows. */
export function quoteOf({ record }: AuditRecordAnswer): QuoteRecordAnswer | null {
  return record.record_type === 'quote' && 'waterfall' in record && 'result' in record
    ? (record as QuoteRecordAnswer)
    : null
}

export function Detail({
  auditId,
  width,
  onBack,
  onOpen,
  onCompare,
}: {
  readonly auditId: string
  readonly width: 'phone' | 'laptop' | 'desk'
  readonly onBack: () => void
  readonly onOpen: (auditId: string) => void
  readonly onCompare: (auditId: string) => void
}) {
  const read = useRecord(auditId)
  const back =
    width === 'phone' ? (
      <Button variant="subtle" onClick={onBack} className={classes.back}>
        ← All records
      </Button>
    ) : null
  if (read.data === undefined) {
    return (
      <div className={classes.scroll}>
        {back}
        {read.error === null ? (
          <Loading rows={12} label="Loading the record" />
        ) : (
          <Failure error={read.error} onRetry={() => void read.refetch()} />
        )}
      </div>
    )
  }
  return <Shown auditId={auditId} answer={read.data} width={width} back={back} onOpen={onOpen} onCompare={onCompare} />
}

function Shown({
  auditId,
  answer,
  width,
  back,
  onOpen,
  onCompare,
}: {
  readonly auditId: string
  readonly answer: AuditRecordAnswer
  readonly width: 'phone' | 'laptop' | 'desk'
  readonly back: React.ReactNode
  readonly onOpen: (auditId: string) => void
  readonly onCompare: (auditId: string) => void
}) {
  const quote = quoteOf(answer)
  const proof = useProof(auditId, answer)
  const replay = useReplay(auditId, quote !== null)
  useShortcuts(quote === null ? {} : { r: () => void replay.refetch() })
  const altered = proof.data?.proof?.proved === false
  return (
    <>
      <div className={classes.scroll}>
        {back}
        <header className={classes.head}>
          <div>
            <h2 className={classes.title}>
              <Title answer={answer} quote={quote} />
            </h2>
            <p className={classes.ids}>
              <span className="mono">{auditId}</span>
              <span className="quiet">
                {quote === null ? 'recorded' : 'quoted'} {momentText(String(answer.record.occurred_at), 'whole')}
              </span>
            </p>
          </div>
          <span className={classes.seal} data-tone={altered ? 'bad' : answer.sealed_at === null ? 'quiet' : 'good'}>
            {altered ? (
              <SealBadge state="altered">Altered</SealBadge>
            ) : answer.sealed_at === null ? (
              <SealBadge state="unsealed">Not sealed yet</SealBadge>
            ) : (
              <SealBadge state="sealed">Sealed {timeText(answer.sealed_at)}</SealBadge>
            )}
          </span>
        </header>
        <ChainStrip answer={answer} proof={proof.data?.proof ?? null} onOpen={onOpen} />
        <div className={classes.columns}>
          <div className={classes.column}>
            <ProofView auditId={auditId} answer={answer} proof={proof} onOpen={onOpen} />
            <Facts answer={answer} />
          </div>
          <div className={classes.column}>
            {quote === null ? (
              <ChangeFacts answer={answer} />
            ) : (
              <>
                <ReplayTable quote={quote} replay={replay} />
                <Inputs quote={quote} />
              </>
            )}
          </div>
        </div>
        {quote !== null && (
          <section className={classes.steps} aria-label="Steps of the price">
            <h3 className={classes.section}>Steps of the price, as they were recorded</h3>
            <Waterfall
              steps={quote.waterfall}
              sources={sourcesOfSteps(quote)}
              size={width === 'phone' ? 'small' : width === 'laptop' ? 'notes-as-tooltips' : 'whole'}
            />
          </section>
        )}
      </div>
      <Actions
        auditId={auditId}
        answer={answer}
        isQuote={quote !== null}
        isReplaying={replay.isFetching}
        onReplay={() => void replay.refetch()}
        onCompare={onCompare}
      />
    </>
  )
}

function Title({ answer, quote }: { readonly answer: AuditRecordAnswer; readonly quote: QuoteRecordAnswer | null }) {
  if (quote === null) return <>{kindText(answer.record.record_type)}</>
  const { request, result, price_inputs } = quote
  const days = (price_inputs as unknown as { readonly loan_days?: number }).loan_days
  const { charged_value } = result as unknown as { readonly charged_value?: string }
  return (
    <>
      {request.ticker}, {usdText(result.total_fee)} USD
      <span className={classes.about}>
        {charged_value === undefined ? '' : `${usdText(charged_value)} `}
        {days === undefined ? '' : `for ${days} day${days === 1 ? '' : 's'}, `}
        {request.client_id}
      </span>
    </>
  )
}

function Actions({
  auditId,
  answer,
  isQuote,
  isReplaying,
  onReplay,
  onCompare,
}: {
  readonly auditId: string
  readonly answer: AuditRecordAnswer
  readonly isQuote: boolean
  readonly isReplaying: boolean
  readonly onReplay: () => void
  readonly onCompare: (auditId: string) => void
}) {
  const { copied, refused, copy } = useCopy()
  return (
    <div className={classes.actions}>
      {isQuote && (
        <Button variant="filled" onClick={onReplay} disabled={isReplaying}>
          {isReplaying ? 'Replaying' : 'Replay again'}&nbsp;<kbd className={`key ${classes.onAccent}`}>R</kbd>
        </Button>
      )}
      <CompareWith auditId={auditId} onCompare={onCompare} />
      <Button onClick={() => download(`record-${auditId}.json`, `${JSON.stringify(answer, null, 2)}\n`)}>
        Save this record
      </Button>
      <Button onClick={() => copy('the link', `${location.origin}/record?id=${auditId}`)}>
        {copied === null ? 'Copy link' : 'Copied'}
      </Button>
      {refused !== null && <span className="label">{refused}</span>}
    </div>
  )
}

function CompareWith({
  auditId,
  onCompare,
}: {
  readonly auditId: string
  readonly onCompare: (auditId: string) => void
}) {
  const [text, setText] = useState('')
  const other = text.trim().toLowerCase()
  const fault =
    other === ''
      ? null
      : !isAuditId(other)
        ? 'An audit id is a UUID, as a quote names it.'
        : other === auditId
          ? 'It is this record.'
          : null
  return (
    <Popover position="top-start" shadow="md" trapFocus>
      <Popover.Target>
        <Button>Compare with another</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form
          className={classes.compare}
          onSubmit={(event) => {
            event.preventDefault()
            if (other !== '' && fault === null) onCompare(other)
          }}
        >
          <TextInput
            label="Audit id of the other record"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            error={fault}
            spellCheck={false}
          />
          <Button type="submit" disabled={other === '' || fault !== null}>
            Compare
          </Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  )
}
