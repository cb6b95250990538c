// The door: an API key for a session. The key is sent once and kept nowhere.
import { Button, PasswordInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { wordsOf } from '../../api.ts'
import { session } from '../../app/session.ts'
import classes from './page.module.css'

export function SignInPage({ because }: { readonly because: string | null }) {
  const [apiKey, setApiKey] = useState('')
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)

  async function signIn(event: FormEvent) {
    event.preventDefault()
    if (apiKey.trim() === '') return setError(new Error('An API key is required.'))
    setBusy(true)
    setError(null)
    try {
      await session.signIn(apiKey.trim())
    } catch (failure) {
      setError(failure)
      setBusy(false)
    }
  }

  const words = error === null ? null : wordsOf(error)
  return (
    <main className={classes.page}>
      <form className={classes.form} onSubmit={(event) => void signIn(event)} noValidate>
        <h1 className={classes.title}>
          <svg width="22" height="20" viewBox="0 0 18 16" aria-hidden="true">
            <rect x="1" y="10" width="4" height="5" fill="var(--ink-3)" />
            <rect x="7" y="6" width="4" height="9" fill="var(--ink)" />
            <rect x="13" y="1" width="4" height="14" fill="var(--accent)" />
          </svg>
          Borrow desk
        </h1>
        <p className="quiet">What it costs to be short a US stock, step by step, on the record.</p>
        {because !== null && error === null && <p role="status">{because}</p>}
        <PasswordInput
          label="API key"
          description="Sent once, for a session of this browser; it is kept nowhere."
          value={apiKey}
          onChange={(event) => setApiKey(event.currentTarget.value)}
          error={words?.sentence}
          autoComplete="off"
          spellCheck={false}
          autoFocus
          required
          withAsterisk={false}
        />
        {words?.requestId && (
          <p className="label">
            {words.code} · request <span className="mono">{words.requestId}</span>
          </p>
        )}
        <Button type="submit" variant="filled" fullWidth disabled={busy}>
          {busy ? 'Signing in' : 'Sign in'}
        </Button>
        <p className="label">
          An engine that was started with <span className="mono">npm start</span> prints a key, and keeps more in{' '}
          <span className="mono">demo-keys.json</span> of its data folder. Others are made with{' '}
          <span className="mono">npm run key</span>. <a href="/docs">API contract</a>
        </p>
      </form>
    </main>
  )
}
