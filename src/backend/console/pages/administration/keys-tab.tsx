// The keys of the API: made, rotated, revoked. A key's text is seen once, by who makes it.
import { Button, Checkbox, SegmentedControl, Textarea, UnstyledButton } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type ApiKeyAnswer, BorrowRateError, type IssuedApiKey, type KeyRole } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { useNow } from '../../app/hooks.ts'
import { WordBadge } from '../../ui/badges.tsx'
import { useCopy } from '../../ui/copy.ts'
import { FormDrawer, faultOf, PanelDrawer } from '../../ui/form-drawer.tsx'
import { dateText, momentText } from '../../ui/formats.ts'
import { Failure, Loading } from '../../ui/states.tsx'
import { asChoices, ChoiceField, NumberField, TextField } from './fields.tsx'
import { type KeyState, keyState } from './key-state.ts'
import classes from './list-frame.module.css'
import { ListFrame, PAGE_SIZE, pageOf } from './list-frame.tsx'
import type { TabProps } from './page.tsx'
import { count } from './terms-fields.ts'

const ROLES: readonly KeyRole[] = ['broker', 'desk', 'auditor', 'admin', 'system']
const DAYS_DEFAULT = '90'
const OVERLAP_DEFAULT = '14'
const CONFLICT = 409

export function KeysTab({ address, go }: TabProps) {
  const now = useNow(60_000)
  const only = address.only === 'ended' || address.only === 'all' ? address.only : 'active'
  const page = {
    ...(address.q !== undefined && { clientId: address.q }),
    ...(only !== 'all' && { active: only === 'active' }),
    skip: (pageOf(address.page) - 1) * PAGE_SIZE,
    limit: PAGE_SIZE,
  }
  const keys = useQuery({
    queryKey: ['administration', 'keys', page],
    queryFn: ({ signal }) => api.apiKeys.list(page, { signal }),
    placeholderData: (before) => before,
  })
  const [issued, setIssued] = useState<IssuedApiKey | null>(null)
  const open = keys.data?.items.find(({ key_id }) => key_id === address.edit)
  const close = () => go({ edit: undefined, make: undefined })
  return (
    <>
      <ListFrame
        query={keys}
        total={keys.data?.pagination.total ?? null}
        address={address}
        go={go}
        search="Broker, whole client_id"
        filters={
          <SegmentedControl
            aria-label="Which keys"
            value={only}
            onChange={(value) => go({ only: value === 'active' ? undefined : value, page: undefined })}
            data={[
              { value: 'active', label: 'Good' },
              { value: 'ended', label: 'Ended' },
              { value: 'all', label: 'All' },
            ]}
          />
        }
        make={{ title: 'New key', onClick: () => go({ make: '1', edit: undefined }) }}
        empty={only === 'active' ? 'No key is good now.' : 'No key of this kind.'}
      >
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col">Broker</th>
              <th scope="col">Role</th>
              <th scope="col" className={classes.phoneless}>
                Label
              </th>
              <th scope="col" className={classes.phoneless}>
                Made
              </th>
              <th scope="col" className={classes.phoneless}>
                Last used
              </th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {keys.data?.items.map((key) => (
              <tr
                key={key.key_id}
                onClick={() => go({ edit: key.key_id })}
                data-open={key.key_id === address.edit || undefined}
                data-quiet={!key.active || undefined}
              >
                <td>
                  <UnstyledButton className={`${classes.open} mono`}>{key.key_id}</UnstyledButton>
                </td>
                <td>{key.client_id}</td>
                <td>{key.role}</td>
                <td className={`${classes.name} ${classes.phoneless}`}>{key.label ?? 'none'}</td>
                <td className={classes.phoneless}>{dateText(key.created_at)}</td>
                <td className={classes.phoneless}>
                  {key.last_used_at === null ? 'never' : momentText(key.last_used_at)}
                </td>
                <td>
                  <State state={keyState(key, now)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ListFrame>
      {issued !== null ? (
        <Secret
          title="The new key"
          secret={issued.api_key}
          about={`Key ${issued.key_id} of ${issued.client_id}, role ${issued.role}, good until ${dateText(issued.expires_at)}.`}
          onStored={() => {
            setIssued(null)
            close()
          }}
        />
      ) : address.make === '1' ? (
        <NewKey clientId={address.q ?? ''} onIssued={setIssued} onClose={close} />
      ) : address.edit !== undefined ? (
        <KeyDrawer key={address.edit} found={open} list={keys} onIssued={setIssued} onClose={close} />
      ) : null}
    </>
  )
}

function State({ state }: { readonly state: KeyState }) {
  return state.tone === 'quiet' ? <span>{state.words}</span> : <WordBadge tone={state.tone}>{state.words}</WordBadge>
}

/** Once, and not to be closed by mistake. */
export function Secret({
  title,
  secret,
  about,
  onStored,
}: {
  readonly title: string
  readonly secret: string
  readonly about: string
  readonly onStored: () => void
}) {
  const [stored, setStored] = useState(false)
  const { copied, refused, copy } = useCopy()
  return (
    <PanelDrawer title={title} onClose={onStored} mayClose={false}>
      <div className={classes.stack}>
        <p>{about}</p>
        <p className="strong">It is shown this once. Only its hash is kept; nobody can show it again.</p>
        <Textarea
          label="The secret"
          value={secret}
          readOnly
          autosize
          spellCheck={false}
          classNames={{ input: classes.secret }}
          onFocus={(event) => event.currentTarget.select()}
        />
        <div className={classes.buttons}>
          <Button variant="filled" onClick={() => copy('the secret', secret)}>
            {copied === null ? 'Copy' : 'Copied'}
          </Button>
        </div>
        {refused !== null && <p className={classes.fault}>{refused}</p>}
        <Checkbox
          label="I have stored it"
          checked={stored}
          onChange={(event) => setStored(event.currentTarget.checked)}
        />
        <div className={classes.buttons}>
          <Button disabled={!stored} onClick={onStored}>
            Close
          </Button>
        </div>
        {!stored && <p className="label">It can be closed when it is stored.</p>}
      </div>
    </PanelDrawer>
  )
}

function useKeyChange<Ask, Done>(change: (ask: Ask) => Promise<Done>, onDone: (done: Done) => void) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSuccess: (done) => {
      onDone(done)
      return queries.invalidateQueries({ queryKey: ['administration', 'keys'] })
    },
  })
}

function NewKey({
  clientId,
  onIssued,
  onClose,
}: {
  readonly clientId: string
  readonly onIssued: (key: IssuedApiKey) => void
  readonly onClose: () => void
}) {
  const [form, setForm] = useState({ clientId, role: 'broker' as KeyRole, label: '', days: DAYS_DEFAULT })
  const make = useKeyChange(
    () =>
      api.apiKeys.create({
        clientId: form.clientId.trim(),
        role: form.role,
        ...(form.label.trim() !== '' && { label: form.label.trim() }),
        // What is no number is the server's to refuse.
        expiresInDays: (count(form.days) ?? undefined) as number,
      }),
    (issued) => {
      announce('The key is made.')
      onIssued(issued)
    },
  )
  const fault = (field: string) => faultOf(make.error, field)
  return (
    <FormDrawer
      title="New key"
      submit="Make the key"
      onSubmit={() => make.mutate(undefined)}
      onClose={onClose}
      busy={make.isPending}
      error={make.error}
      fields={['client_id', 'role', 'label', 'expires_in_days']}
    >
      <TextField
        label="Broker"
        description="Its client_id; staff belong to house."
        value={form.clientId}
        onChange={(text) => setForm({ ...form, clientId: text })}
        error={fault('client_id')}
      />
      <ChoiceField
        label="Role"
        value={form.role}
        choices={asChoices(ROLES)}
        onChange={(role) => setForm({ ...form, role: role as KeyRole })}
        error={fault('role')}
      />
      <TextField
        label="Label"
        description="Whom or what it is for; no secret."
        value={form.label}
        onChange={(label) => setForm({ ...form, label })}
        error={fault('label')}
      />
      <NumberField
        label="Good for"
        unit="days"
        value={form.days}
        onChange={(days) => setForm({ ...form, days })}
        error={fault('expires_in_days')}
      />
    </FormDrawer>
  )
}

function KeyDrawer({
  found,
  list,
  onIssued,
  onClose,
}: {
  readonly found: ApiKeyAnswer | undefined
  readonly list: { readonly isPending: boolean; readonly error: unknown; refetch(): unknown }
  readonly onIssued: (key: IssuedApiKey) => void
  readonly onClose: () => void
}) {
  const [doing, setDoing] = useState<'look' | 'rotate' | 'revoke'>('look')
  if (found === undefined) {
    return (
      <PanelDrawer title="Key" onClose={onClose}>
        {list.isPending ? (
          <Loading />
        ) : list.error !== null ? (
          <Failure error={list.error} onRetry={() => void list.refetch()} />
        ) : (
          <p className={classes.stack}>This key is not on this page of the list.</p>
        )}
      </PanelDrawer>
    )
  }
  const back = () => setDoing('look')
  if (doing === 'rotate') return <RotateKey found={found} onIssued={onIssued} onClose={back} />
  if (doing === 'revoke') return <RevokeKey found={found} onDone={onClose} onClose={back} />
  return (
    <PanelDrawer title={`Key ${found.key_id}`} onClose={onClose}>
      <div className={classes.stack}>
        <KeyFacts found={found} />
        {found.active ? (
          <div className={classes.buttons}>
            {found.replaced_by === null && <Button onClick={() => setDoing('rotate')}>Rotate</Button>}
            <Button onClick={() => setDoing('revoke')}>Revoke</Button>
          </div>
        ) : (
          <p className="label">It opens nothing any more. A new key takes its place, not its text.</p>
        )}
      </div>
    </PanelDrawer>
  )
}

function KeyFacts({ found }: { readonly found: ApiKeyAnswer }) {
  const now = useNow(60_000)
  const facts: [string, string][] = [
    ['Broker', found.client_id],
    ['Role', found.role],
    ['Label', found.label ?? 'none'],
    ['Made', momentText(found.created_at)],
    ['Ends', momentText(found.expires_at)],
    ['Last used', found.last_used_at === null ? 'never' : momentText(found.last_used_at)],
    ['Revoked', found.revoked_at === null ? 'no' : momentText(found.revoked_at)],
    ['Replaced by', found.replaced_by ?? 'none'],
    ['State', keyState(found, now).words],
  ]
  return (
    <dl className={classes.facts}>
      {facts.map(([name, value]) => (
        <KeyFact key={name} name={name} value={value} />
      ))}
    </dl>
  )
}

function KeyFact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  )
}

function RotateKey({
  found,
  onIssued,
  onClose,
}: {
  readonly found: ApiKeyAnswer
  readonly onIssued: (key: IssuedApiKey) => void
  readonly onClose: () => void
}) {
  const [overlap, setOverlap] = useState(OVERLAP_DEFAULT)
  const [days, setDays] = useState(DAYS_DEFAULT)
  const rotate = useKeyChange(
    () =>
      api.apiKeys.rotate(found.key_id, {
        overlapDays: (count(overlap) ?? undefined) as number,
        expiresInDays: (count(days) ?? undefined) as number,
      }),
    (issued) => {
      announce('The key is rotated.')
      onIssued(issued)
    },
  )
  const fault = (field: string) => faultOf(rotate.error, field)
  return (
    <FormDrawer
      title={`Rotate key ${found.key_id}`}
      submit="Make the new key"
      onSubmit={() => rotate.mutate(undefined)}
      onClose={onClose}
      busy={rotate.isPending}
      error={rotate.error}
      fields={['overlap_days', 'expires_in_days']}
    >
      <p>
        A new key of the same broker, role and label takes its place. The old one goes on for the overlap, at the most
        to its own end on {dateText(found.expires_at)}, so that its holder can change over without a gap; then it ends
        by itself.
      </p>
      <NumberField
        label="Overlap"
        unit="days"
        description="0 ends the old key at once."
        value={overlap}
        onChange={setOverlap}
        error={fault('overlap_days')}
      />
      <NumberField
        label="The new key is good for"
        unit="days"
        value={days}
        onChange={setDays}
        error={fault('expires_in_days')}
      />
    </FormDrawer>
  )
}

function RevokeKey({
  found,
  onDone,
  onClose,
}: {
  readonly found: ApiKeyAnswer
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const [own, setOwn] = useState(false)
  const revoke = useKeyChange(
    () => api.apiKeys.revoke(found.key_id, { own }),
    () => {
      announce('The key is revoked.')
      onDone()
    },
  )
  const isOwn = revoke.error instanceof BorrowRateError && revoke.error.status === CONFLICT
  return (
    <FormDrawer
      title={`Revoke key ${found.key_id}?`}
      submit="Revoke it for good"
      onSubmit={() => revoke.mutate(undefined)}
      onClose={onClose}
      busy={revoke.isPending}
      error={revoke.error}
      fields={[]}
    >
      <p>
        Whoever holds this key of {found.client_id}
        {found.label === null ? '' : ` (${found.label})`} is turned away within ten seconds, with every session that was
        opened with it. It cannot be taken back.
      </p>
      {isOwn && (
        <Checkbox
          label="It is the key I am signed in with. Revoke it all the same, and end my session."
          checked={own}
          onChange={(event) => setOwn(event.currentTarget.checked)}
        />
      )}
    </FormDrawer>
  )
}
