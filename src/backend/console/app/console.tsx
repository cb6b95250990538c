// The console: the door, or what is behind it.
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useEffect } from 'react'
import { queries } from '../api.ts'
import { SignInPage } from '../pages/sign-in/page.tsx'
import { Failure, Loading } from '../ui/states.tsx'
import { colorSchemes, cssVariables, theme } from '../ui/theme.ts'
import { useSession } from './hooks.ts'
import { router } from './router.tsx'
import { session } from './session.ts'

export function Console() {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={colorSchemes}
      defaultColorScheme="dark"
    >
      <QueryClientProvider client={queries}>
        <Door />
      </QueryClientProvider>
    </MantineProvider>
  )
}

function Door() {
  const state = useSession()
  useEffect(() => void session.resume(), [])
  if (state.kind === 'in') return <RouterProvider router={router} />
  if (state.kind === 'out') return <SignInPage because={state.because} />
  if (state.kind === 'away') return <Failure error={state.error} onRetry={() => void session.resume()} />
  return <Loading />
}
