// Changes that wait for a second person: what is proposed beside what holds, approved or refused with a reason.
import { Button, SegmentedControl, Textarea, UnstyledButton } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type ApprovalAnswer, type ApprovalState, BorrowRateError } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { usePerson } from '../../app/hooks.ts'
import { WordBadge } from '../../ui/badges.tsx'
import { Changes } from '../../ui/changes.tsx'
import { faultOf, PanelDrawer } from '../../ui/form-drawer.tsx'
import { momentText } from '../../ui/formats.ts'
import { Failure, Loading } from '../../ui/states.tsx'
import { changesBetween, type FormLine } from './form-lines.ts'
import classes from './list-frame.module.css'
import { ListFrame, PAGE_SIZE, pageOf } from './list-frame.tsx'
import type { TabProps } from './page.tsx'
import { termsForm, termsLines } from './terms-fields.ts'

const STATES: readonly ApprovalState[] = ['pending', 'approved', 'refused']
const NOT_FOUND = 404

export function ApprovalsTab({ address, go }: TabProps) {
  const state = STATES.find((known) => known === address.only)
  const all = address.only === 'all'
  const page = {
    ...(!all && { state: state ?? 'pending' }),
    skip: (pageOf(address.page) - 1) * PAGE_SIZE,
    limit: PAGE_SIZE,
  }
  const approvals = useQuery({
    queryKey: ['administration', 'approvals', page],
    queryFn: ({ signal }) => api.approvals.list(page, { signal }),
    placeholderData: (before) => before,
  })
  const open = approvals.data?.items.find(({ approval_id }) => approval_id === address.edit)
  const close = () => go({ edit: undefined })
  return (
    <>
      <ListFrame
        query={approvals}
        total={approvals.data?.pagination.total ?? null}
        address={address}
        go={go}
        filters={
          <SegmentedControl
            aria-label="Which changes"
            value={all ? 'all' : (state ?? 'pending')}
            onChange={(value) => go({ only: value === 'pending' ? undefined : value, page: undefined })}
            data={[
              { value: 'pending', label: 'Pending' },
              { value: 'approved', label: 'Approved' },
              { value: 'refused', label: 'Refused' },
              { value: 'all', label: 'All' },
            ]}
          />
        }
        empty="No change waits for a second person. Where a deployment asks for two, changes of what a broker is charged stand here."
      >
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Change of</th>
              <th scope="col">Asked</th>
              <th scope="col" className={classes.phoneless}>
                By key
              </th>
              <th scope="col" className={classes.phoneless}>
                Decided
              </th>
              <th scope="col" className={classes.phoneless}>
                Reason
              </th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {approvals.data?.items.map((approval) => (
              <tr
                key={approval.approval_id}
                onClick={() => go({ edit: approval.approval_id })}
                data-open={approval.approval_id === address.edit || undefined}
              >
                <td>
                  <UnstyledButton className={classes.open}>Terms of {approval.subject}</UnstyledButton>
                </td>
                <td>{momentText(approval.asked_at)}</td>
                <td className={`mono ${classes.phoneless}`}>{approval.asked_by}</td>
                <td className={classes.phoneless}>
                  {approval.decided_at === null ? 'not yet' : momentText(approval.decided_at)}
                </td>
                <td className={`${classes.name} ${classes.phoneless}`}>{approval.reason ?? 'none'}</td>
                <td>
                  <WordBadge tone={approval.state === 'pending' ? 'warn' : 'quiet'}>{approval.state}</WordBadge>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ListFrame>
      {address.edit !== undefined && (
        <PanelDrawer
          key={address.edit}
          title={open === undefined ? 'Change' : `Terms of ${open.subject}`}
          onClose={close}
        >
          {open !== undefined ? (
            <Approval approval={open} onDone={close} />
          ) : approvals.isPending ? (
            <Loading />
          ) : (
            <p className={classes.stack}>This change is not in the list as it is filtered.</p>
          )}
        </PanelDrawer>
      )}
    </>
  )
}

/** What holds now; null: no such broker yet. */
function useLiveTerms(clientId: string) {
  return useQuery({
    queryKey: ['administration', 'live-terms', clientId],
    queryFn: async ({ signal }): Promise<readonly FormLine[] | null> => {
      try {
        return termsLines(termsForm(await api.brokers.read(clientId, { signal })))
      } catch (error) {
        if (error instanceof BorrowRateError && error.status === NOT_FOUND) return null
        throw error
      }
    },
    staleTime: 0,
  })
}

function Approval({ approval, onDone }: { readonly approval: ApprovalAnswer; readonly onDone: () => void }) {
  const { keyId } = usePerson()
  const queries = useQueryClient()
  const live = useLiveTerms(approval.subject)
  const [reason, setReason] = useState('')
  const decide = useMutation({
    mutationFn: async (decision: 'approve' | 'refuse') => {
      const why = reason.trim() === '' ? undefined : reason.trim()
      return decision === 'approve'
        ? api.approvals.approve(approval.approval_id, why)
        : api.approvals.refuse(approval.approval_id, why)
    },
    onSuccess: ({ state }) => {
      announce(`The change is ${state}.`)
      onDone()
      return queries.invalidateQueries({ queryKey: ['administration'] })
    },
  })
  const isPending = approval.state === 'pending'
  const isOwn = approval.asked_by === keyId
  return (
    <div className={classes.stack}>
      <dl className={classes.facts}>
        <dt>Asked</dt>
        <dd>{momentText(approval.asked_at)}</dd>
        <dt>By key</dt>
        <dd>
          <span className="mono">{approval.asked_by}</span>
          {isOwn && ', yours'}
        </dd>
        {approval.decided_at !== null && (
          <>
            <dt>{approval.state === 'approved' ? 'Approved' : 'Refused'}</dt>
            <dd>{momentText(approval.decided_at)}</dd>
            <dt>By key</dt>
            <dd className="mono">{approval.decided_by}</dd>
            <dt>Reason</dt>
            <dd>{approval.reason ?? 'none'}</dd>
          </>
        )}
      </dl>
      {live.error !== null ? (
        <Failure error={live.error} compact onRetry={() => void live.refetch()} />
      ) : live.data === undefined ? (
        <Loading rows={4} />
      ) : (
        <Proposed live={live.data} approval={approval} />
      )}
      {isPending && (
        <>
          <Textarea
            label="Reason"
            description="For whoever reads the record."
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            error={faultOf(decide.error, 'reason')}
            autosize
            minRows={2}
            maxRows={6}
          />
          {decide.error !== null && <Failure error={decide.error} compact />}
          {isOwn && (
            <p className="label" id="own-change">
              You asked for this change: a second person must approve it. You may take it back.
            </p>
          )}
          <div className={classes.buttons}>
            <Button
              variant="filled"
              disabled={isOwn || decide.isPending}
              {...(isOwn && { 'aria-describedby': 'own-change' })}
              onClick={() => decide.mutate('approve')}
            >
              Approve
            </Button>
            <Button disabled={decide.isPending} onClick={() => decide.mutate('refuse')}>
              {isOwn ? 'Take it back' : 'Refuse'}
            </Button>
          </div>
        </>
      )}
    </div>
  )
}

function Proposed({
  live,
  approval,
}: {
  readonly live: readonly FormLine[] | null
  readonly approval: ApprovalAnswer
}) {
  const changes = changesBetween(live, termsLines(termsForm(approval.proposed)))
  if (changes.length === 0) return <p className="quiet">What holds now is what was proposed.</p>
  return <Changes changes={changes} titles={['Field', live === null ? 'No broker yet' : 'In force', 'Proposed']} />
}
