import './ui/mantine-styles.ts'
import './ui/tokens.css'
import './ui/document.css'
import './ui/mantine.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Console } from './app/console.tsx'
import { applyDensity } from './ui/theme.ts'

applyDensity()
const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root')
createRoot(root).render(
  <StrictMode>
    <Console />
  </StrictMode>,
)
