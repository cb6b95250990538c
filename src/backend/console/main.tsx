import './ui/mantine-styles.ts'
import './ui/tokens.css'
import './ui/document.css'
import './ui/mantine.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Console } from './app/console.tsx'
import { applyDensity } from './ui/theme.ts'

const RELOADED = 'borrow-desk-reloaded'
/** Once, not for ever: where the script is missing for another reason the screen says so. */
const RELOAD_AGAIN_MS = 60_000

// A screen whose script is gone: the engine is of another version by now, and so is its page.
addEventListener('vite:preloadError', (event) => {
  const lastAt = Number(sessionStorage.getItem(RELOADED) ?? 0)
  if (Date.now() - lastAt < RELOAD_AGAIN_MS) return
  event.preventDefault()
  sessionStorage.setItem(RELOADED, String(Date.now()))
  location.reload()
})

applyDensity()
const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root')
createRoot(root).render(
  <StrictMode>
    <Console />
  </StrictMode>,
)
