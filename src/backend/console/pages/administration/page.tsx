// Administration: terms, stocks, models, keys, approvals, webhooks. A list for each, and a drawer at the right edge that changes one.
import { Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'
import { api } from '../../api.ts'
import { usePerson } from '../../app/hooks.ts'
import { NotForRole } from '../../app/router.tsx'
import { ApprovalsTab } from './approvals-tab.tsx'
import { KeysTab } from './keys-tab.tsx'
import { ModelsTab } from './models-tab.tsx'
import classes from './page.module.css'
import type { AddressChange, AdministrationSearch, Tab } from './search.ts'
import { StocksTab } from './stocks-tab.tsx'
import { TermsTab } from './terms-tab.tsx'
import { WebhooksTab } from './webhooks-tab.tsx'

/** What every tab is given. */
export interface TabProps {
  readonly address: AdministrationSearch
  readonly go: (change: AddressChange) => void
}

const TITLES: Readonly<Record<Tab, string>> = {
  terms: 'Terms',
  stocks: 'Stocks',
  models: 'Models',
  keys: 'Keys',
  approvals: 'Approvals',
  webhooks: 'Webhooks',
}
const SHOWN: Readonly<Record<Tab, (props: TabProps) => React.ReactNode>> = {
  terms: TermsTab,
  stocks: StocksTab,
  models: ModelsTab,
  keys: KeysTab,
  approvals: ApprovalsTab,
  webhooks: WebhooksTab,
}
const PENDING_POLL_MS = 30_000

export function AdministrationPage() {
  const { role } = usePerson()
  if (role !== 'admin') return <NotForRole path="/administration" />
  return <Administration />
}

function Administration() {
  const address = useSearch({ from: '/administration' })
  const navigate = useNavigate({ from: '/administration' })
  const tab = address.tab ?? 'terms'
  const go = useCallback(
    (change: AddressChange) =>
      void navigate({
        search: (before) =>
          Object.fromEntries(
            Object.entries({ ...before, ...change }).filter(([, value]) => value !== undefined),
          ) as AdministrationSearch,
      }),
    [navigate],
  )
  const pending = usePendingCount()
  const Shown = SHOWN[tab]
  return (
    <Tabs
      className={classes.screen}
      value={tab}
      onChange={(value) => void navigate({ search: { tab: value as Tab } })}
      keepMounted={false}
    >
      <div className={classes.head}>
        <h1>Administration</h1>
        <Tabs.List className={classes.tabs} aria-label="What is administered">
          {(Object.keys(TITLES) as Tab[]).map((name) => (
            <Tabs.Tab key={name} value={name}>
              {TITLES[name]}
              {name === 'approvals' && pending > 0 && (
                <span className={classes.count}>
                  {pending}
                  <span className="only-read"> pending</span>
                </span>
              )}
            </Tabs.Tab>
          ))}
        </Tabs.List>
      </div>
      <Tabs.Panel value={tab} className={classes.panel}>
        <Shown address={address} go={go} />
      </Tabs.Panel>
    </Tabs>
  )
}

/** Changes that wait for a second person. */
function usePendingCount(): number {
  const { data } = useQuery({
    queryKey: ['administration', 'approvals', 'pending-count'],
    queryFn: ({ signal }) => api.approvals.list({ state: 'pending', limit: 1 }, { signal }),
    refetchInterval: PENDING_POLL_MS,
  })
  return data?.pagination.total ?? 0
}
