// Addresses of screens. What an address holds is read by each screen's own `search.ts`; the screen itself is loaded when it is shown.
import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  Link,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { administrationSearch } from '../pages/administration/search.ts'
import { basketSearch } from '../pages/basket/search.ts'
import { historySearch } from '../pages/history/search.ts'
import { operationsSearch } from '../pages/operations/search.ts'
import { quoteSearch } from '../pages/quote/search.ts'
import { ratesSearch } from '../pages/rates/search.ts'
import { recordSearch } from '../pages/record/search.ts'
import { whatIfSearch } from '../pages/what-if/search.ts'
import { Empty, Failure, Loading } from '../ui/states.tsx'
import { usePerson } from './hooks.ts'
import { SCREENS } from './screens.ts'
import { Shell } from './shell.tsx'

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <Empty action={<Link to="/rates">To the rates</Link>}>There is no screen at this address.</Empty>
  ),
})

const rates = createRoute({
  getParentRoute: () => root,
  path: '/rates',
  validateSearch: ratesSearch,
  component: lazyRouteComponent(() => import('../pages/rates/page.tsx'), 'RatesPage'),
})
const quote = createRoute({
  getParentRoute: () => root,
  path: '/quote',
  validateSearch: quoteSearch,
  component: lazyRouteComponent(() => import('../pages/quote/page.tsx'), 'QuotePage'),
})
const basket = createRoute({
  getParentRoute: () => root,
  path: '/basket',
  validateSearch: basketSearch,
  component: lazyRouteComponent(() => import('../pages/basket/page.tsx'), 'BasketPage'),
})
const history = createRoute({
  getParentRoute: () => root,
  path: '/history',
  validateSearch: historySearch,
  component: lazyRouteComponent(() => import('../pages/history/page.tsx'), 'HistoryPage'),
})
const record = createRoute({
  getParentRoute: () => root,
  path: '/record',
  validateSearch: recordSearch,
  component: lazyRouteComponent(() => import('../pages/record/page.tsx'), 'RecordPage'),
})
const whatIf = createRoute({
  getParentRoute: () => root,
  path: '/what-if',
  validateSearch: whatIfSearch,
  component: lazyRouteComponent(() => import('../pages/what-if/page.tsx'), 'WhatIfPage'),
})
const administration = createRoute({
  getParentRoute: () => root,
  path: '/administration',
  validateSearch: administrationSearch,
  component: lazyRouteComponent(() => import('../pages/administration/page.tsx'), 'AdministrationPage'),
})
const operations = createRoute({
  getParentRoute: () => root,
  path: '/operations',
  validateSearch: operationsSearch,
  component: lazyRouteComponent(() => import('../pages/operations/page.tsx'), 'OperationsPage'),
})
const index = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/rates', replace: true })
  },
})

export const router = createRouter({
  routeTree: root.addChildren([index, rates, quote, basket, history, record, whatIf, administration, operations]),
  defaultPreload: 'intent',
  defaultPendingComponent: () => <Loading />,
  defaultErrorComponent: ScreenFailure,
  // Amounts and tickers in an address stay as they are typed: `?value=50000&ticker=TRUE` is text.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const written = new URLSearchParams(
      Object.entries(search).flatMap(([name, value]) =>
        value === undefined || value === null || value === '' ? [] : [[name, String(value)]],
      ),
    ).toString()
    return written === '' ? '' : `?${written}`
  },
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

/** False from the moment on that another screen was asked for, be it still loading. Whoever writes the address late looks here first. */
export function isWanted(path: (typeof SCREENS)[number]['path']): boolean {
  return router.latestLocation.pathname === path
}

function ScreenFailure({ error, reset }: ErrorComponentProps) {
  return <Failure error={error} onRetry={reset} />
}

/** For a screen that the role has not. */
export function NotForRole({ path }: { readonly path: (typeof SCREENS)[number]['path'] }) {
  const { role } = usePerson()
  const { roles = [], title } = SCREENS.find((screen) => screen.path === path) ?? {}
  return (
    <Empty action={<Link to="/rates">To the rates</Link>}>
      {title} is for {roles.join(', ')}; your key is of the role {role}.
    </Empty>
  )
}
