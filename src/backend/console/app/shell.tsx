// What stands around every screen: the bar with the eight words, the search, the line of states below.
import { Menu, UnstyledButton } from '@mantine/core'
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useState } from 'react'
import { preferenceStore } from '../ui/theme.ts'
import { Announcer } from './announce.tsx'
import { usePerson, usePreferences } from './hooks.ts'
import { liveRates } from './live-rates.ts'
import { screensOf } from './screens.ts'
import { openSearch } from './search-open.ts'
import { session } from './session.ts'
import classes from './shell.module.css'
import { useShortcuts } from './shortcuts.ts'
import { StatusBar } from './status-bar.tsx'
import { useTheme } from './use-theme.ts'

// Loaded while a person reads the first screen.
const Search = lazy(() => import('./search.tsx'))
const KeyList = lazy(() => import('./key-list.tsx'))

export function Shell() {
  const person = usePerson()
  const navigate = useNavigate()
  const screens = screensOf(person.role)
  const path = useRouterState({ select: (state) => state.location.pathname })
  const [showsKeys, setShowsKeys] = useState(false)

  useEffect(() => {
    liveRates.start()
    return () => liveRates.stop()
  }, [])
  useEffect(() => {
    const { title } = screens.find((screen) => path.startsWith(screen.path)) ?? { title: 'Borrow desk' }
    document.title = `${title} · Borrow desk`
  }, [path, screens])
  useShortcuts({
    ...Object.fromEntries(screens.map(({ letter, path: to }) => [`g ${letter}`, () => void navigate({ to })])),
    '/': openSearch,
    '?': () => setShowsKeys(true),
  })

  return (
    <div className={classes.shell}>
      <a className={classes.skip} href="#content">
        To the content
      </a>
      <header className={classes.top}>
        <Link to="/rates" className={classes.brand} aria-label="Borrow desk, rates">
          <svg width="18" height="16" viewBox="0 0 18 16" aria-hidden="true">
            <rect x="1" y="10" width="4" height="5" fill="var(--ink-3)" />
            <rect x="7" y="6" width="4" height="9" fill="var(--ink)" />
            <rect x="13" y="1" width="4" height="14" fill="var(--accent)" />
          </svg>
          <span>Borrow desk</span>
        </Link>
        <nav className={classes.nav} aria-label="Screens">
          {screens.map(({ path: to, title }) => (
            <Link key={to} to={to} className={classes.screen} activeProps={{ 'aria-current': 'page' }}>
              {title}
            </Link>
          ))}
        </nav>
        <UnstyledButton className={classes.search} onClick={openSearch}>
          <span className="clip">Ticker or command</span>
          <kbd className="key">/</kbd>
        </UnstyledButton>
        <PersonMenu onKeys={() => setShowsKeys(true)} />
      </header>
      <main id="content" className={classes.content} tabIndex={-1}>
        <Outlet />
      </main>
      <StatusBar />
      <Announcer />
      <Suspense>
        <Search />
        {showsKeys && <KeyList onClose={() => setShowsKeys(false)} />}
      </Suspense>
    </div>
  )
}

function PersonMenu({ onKeys }: { readonly onKeys: () => void }) {
  const { label, clientId, role } = usePerson()
  const { density, letterKeys } = usePreferences()
  const { chosen, choose } = useTheme()
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <UnstyledButton className={classes.person}>
          <span className="clip">{label ?? clientId}</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {clientId}, {role}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Label>Theme</Menu.Label>
        <Menu.RadioGroup value={chosen} onChange={(theme) => choose(theme as typeof chosen)}>
          <Menu.RadioItem value="dark">Dark</Menu.RadioItem>
          <Menu.RadioItem value="light">Light</Menu.RadioItem>
          <Menu.RadioItem value="auto">As the system</Menu.RadioItem>
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Label>Density</Menu.Label>
        <Menu.RadioGroup
          value={density}
          onChange={(choice) => preferenceStore.set({ density: choice as typeof density })}
        >
          <Menu.RadioItem value="compact">Compact</Menu.RadioItem>
          <Menu.RadioItem value="comfortable">Comfortable</Menu.RadioItem>
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.CheckboxItem checked={letterKeys} onChange={(on) => preferenceStore.set({ letterKeys: on })}>
          Letter keys
        </Menu.CheckboxItem>
        <Menu.Item onClick={onKeys} rightSection={<kbd className="key">?</kbd>}>
          Keys
        </Menu.Item>
        <Menu.Item component="a" href="/docs" target="_blank" rel="noreferrer">
          API contract
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item onClick={() => void session.signOut()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
