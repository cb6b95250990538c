// What if: a draft rate card over the quotes of past days, before anybody puts it in force. Nothing applies here.
import { Button } from '@mantine/core'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'
import { wordsOf } from '../../api.ts'
import { useBrokers } from '../../app/brokers.ts'
import { useConfig, usePerson, useStreamState } from '../../app/hooks.ts'
import { isWanted, NotForRole } from '../../app/router.tsx'
import { useShortcuts } from '../../app/shortcuts.ts'
import { download } from '../../ui/download.ts'
import { momentText } from '../../ui/formats.ts'
import { Failure } from '../../ui/states.tsx'
import { DRAFT_FIELDS, type Draft, isDrafted, sentenceFor, unplacedSentences } from './draft.ts'
import { DraftForm } from './draft-form.tsx'
import { countText, whatIfCsv } from './effects.ts'
import classes from './page.module.css'
import { proposalOf } from './proposal.ts'
import { Result } from './result.tsx'
import type { WhatIfSearch } from './search.ts'
import { useWhatIf, type WhatIf } from './use-what-if.ts'

export function WhatIfPage() {
  const { role } = usePerson()
  if (role !== 'desk' && role !== 'admin') return <NotForRole path="/what-if" />
  return <WhatIfScreen />
}

function WhatIfScreen() {
  const search = useSearch({ from: '/what-if' })
  const navigate = useNavigate({ from: '/what-if' })
  const config = useConfig()
  const brokers = useBrokers()
  const stream = useStreamState()
  const whatIf = useWhatIf()
  const [draft, setDraft] = useState<Draft>(() => draftOf(search))
  const { progress, result, error } = whatIf

  useAddressOf(draft, (kept) => {
    if (isWanted('/what-if')) void navigate({ search: kept, replace: true })
  })
  const sentences = useMemo(() => (error === null ? new Map<string, string>() : wordsOf(error).fields), [error])
  useFirstFault(sentences)

  const isOffline = stream.kind === 'lost' || stream.kind === 'failed'
  const cannot = isOffline
    ? 'The stream is lost: pricing waits until it is back.'
    : isDrafted(draft)
      ? null
      : 'Fill in at least one term, or choose a model.'
  const ask = () => {
    if (cannot === null) whatIf.ask(draft)
  }
  useShortcuts({ 'Ctrl+Enter': ask })
  const isOld = isOffline || progress !== null || (result !== null && !sameDraft(result.draft, draft))

  return (
    <div className={classes.page}>
      <header className={classes.toolbar}>
        <h1>What-if</h1>
        <span className="quiet">Past quotes under a draft; nothing applies here</span>
        <span className={classes.gap} />
        <Button
          disabled={result === null}
          title={result === null ? 'Try a draft first' : undefined}
          onClick={() => result !== null && download('what-if.csv', whatIfCsv(result.answer))}
        >
          Export CSV
        </Button>
      </header>
      <div className={classes.body}>
        <div className={classes.left}>
          <DraftForm
            draft={draft}
            onChange={(change) => setDraft((before) => ({ ...before, ...change }))}
            onSubmit={ask}
            cannot={cannot}
            brokers={brokers.list ?? []}
            config={config.data}
            sentences={sentences}
            propose={<Propose draft={draft} />}
          />
        </div>
        <div className={classes.right}>
          <Progress progress={progress} onCancel={whatIf.cancel} />
          {error !== null && <Refusal error={error} sentences={sentences} onRetry={ask} />}
          {result !== null ? (
            <>
              {progress === null && !sameDraft(result.draft, draft) && (
                <p className={classes.reason}>These figures are of the draft before your last change.</p>
              )}
              <Result answer={result.answer} isOld={isOld} />
            </>
          ) : (
            progress === null &&
            error === null && (
              <p className={classes.nothing}>
                Change a term or choose a model, then try the draft: what past quotes would have charged stands here.
              </p>
            )
          )}
        </div>
      </div>
    </div>
  )
}

function Propose({ draft }: { readonly draft: Draft }) {
  const { role } = usePerson()
  const proposal = proposalOf(draft)
  const because =
    role !== 'admin'
      ? `Proposing is for admin; your key is of the role ${role}.`
      : proposal.kind === 'none'
        ? proposal.because
        : null
  if (because === null && proposal.kind === 'address') {
    return (
      <Button renderRoot={(props) => <Link {...props} to="/administration" search={proposal.search} />}>Propose</Button>
    )
  }
  return (
    <>
      <Button disabled aria-describedby="what-if-propose">
        Propose
      </Button>
      <p id="what-if-propose" className={classes.reason}>
        {because}
      </p>
    </>
  )
}

function Progress({ progress, onCancel }: { readonly progress: WhatIf['progress']; readonly onCancel: () => void }) {
  if (progress === null) return null
  return (
    <p className={classes.progress} role="status">
      <span>
        {countText(progress.quotes)} quotes priced{progress.at !== null && `, up to ${momentText(progress.at)}`}
      </span>
      <Button size="compact-sm" onClick={onCancel}>
        Cancel
      </Button>
    </p>
  )
}

/** Sentences that have a field stand there; here is what has none. */
function Refusal({
  error,
  sentences,
  onRetry,
}: {
  readonly error: unknown
  readonly sentences: ReadonlyMap<string, string>
  readonly onRetry: () => void
}) {
  if (sentences.size === 0) return <Failure error={error} onRetry={onRetry} />
  const others = unplacedSentences(sentences)
  return (
    <div role="alert" className={classes.refusal}>
      <p>The draft is refused; what is wrong stands under its fields.</p>
      {others.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
    </div>
  )
}

const DAY_MS = 86_400_000
const DAYS_AT_FIRST = 7

/** As the address has it; without a range, the last seven days. */
function draftOf(search: WhatIfSearch): Draft {
  const draft = Object.fromEntries(DRAFT_FIELDS.map((name) => [name, search[name] ?? ''])) as unknown as Draft
  if (draft.from !== '' || draft.to !== '') return draft
  return { ...draft, from: new Date(Date.now() - DAYS_AT_FIRST * DAY_MS).toISOString().slice(0, 10) }
}

function sameDraft(one: Draft, other: Draft): boolean {
  return DRAFT_FIELDS.every((name) => one[name] === other[name])
}

const ADDRESS_MS = 300

/** The address follows the form, a moment after the last key. */
function useAddressOf(draft: Draft, keep: (search: WhatIfSearch) => void): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address follows the draft and nothing else
  useEffect(() => {
    const timer = setTimeout(
      () => keep(Object.fromEntries(DRAFT_FIELDS.flatMap((name) => (draft[name] === '' ? [] : [[name, draft[name]]])))),
      ADDRESS_MS,
    )
    return () => clearTimeout(timer)
  }, [draft])
}

function useFirstFault(sentences: ReadonlyMap<string, string>): void {
  useEffect(() => {
    const name = DRAFT_FIELDS.find((field) => sentenceFor(field, sentences) !== null)
    if (name !== undefined) document.querySelector<HTMLElement>(`[name="${name}"]`)?.focus()
  }, [sentences])
}
