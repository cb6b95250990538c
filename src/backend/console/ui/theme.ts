// Mantine's components in the tokens' colours, sizes and type, and what a person chooses of how the console looks.
import { type CSSVariablesResolver, createTheme, localStorageColorSchemeManager } from '@mantine/core'

/** theme-at-once.js reads it before anything is drawn. */
export const THEME_KEY = 'borrow-desk-theme'

export const colorSchemes = localStorageColorSchemeManager({ key: THEME_KEY })

const shadow = '0 4px 16px rgb(0 0 0 / 28%)'

/** Every shade is the accent: a component that asks for another shade of it still gets the one accent. */
const accent = Array.from({ length: 10 }, () => 'var(--accent)') as unknown as readonly [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
]

const plainButton = {
  background: 'transparent',
  hover: 'var(--hover)',
  color: 'var(--ink)',
  border: '1px solid var(--button-line)',
}

const FIELD = { size: 'sm' as const, variant: 'default' as const }

export const theme = createTheme({
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '12px', sm: '13px', md: '13px', lg: '15px', xl: '20px' },
  lineHeights: { xs: '1.45', sm: '1.45', md: '1.45', lg: '1.3', xl: '1.2' },
  spacing: { xs: '8px', sm: '12px', md: '16px', lg: '24px', xl: '32px' },
  radius: { xs: '3px', sm: '5px', md: '5px', lg: '8px', xl: '8px' },
  shadows: { xs: 'none', sm: shadow, md: shadow, lg: shadow, xl: shadow },
  defaultRadius: 'sm',
  colors: { accent },
  primaryColor: 'accent',
  respectReducedMotion: true,
  cursorType: 'pointer',
  focusRing: 'auto',
  variantColorResolver: ({ variant }) =>
    variant === 'filled'
      ? {
          background: 'var(--accent)',
          hover: 'var(--accent)',
          color: 'var(--on-accent)',
          border: '1px solid transparent',
        }
      : variant === 'subtle' || variant === 'transparent'
        ? { ...plainButton, border: '1px solid transparent' }
        : plainButton,
  components: {
    Button: { defaultProps: { size: 'sm', variant: 'default' } },
    TextInput: { defaultProps: FIELD },
    PasswordInput: { defaultProps: FIELD },
    Textarea: { defaultProps: FIELD },
    Select: { defaultProps: { ...FIELD, allowDeselect: false, checkIconPosition: 'right' } },
    Autocomplete: { defaultProps: FIELD },
    MultiSelect: { defaultProps: FIELD },
    Checkbox: { defaultProps: { size: 'xs' } },
    Switch: { defaultProps: { size: 'xs' } },
    SegmentedControl: { defaultProps: { size: 'xs', transitionDuration: 0 } },
    Modal: { defaultProps: { centered: true, transitionProps: { duration: 140, transition: 'fade' } } },
    Drawer: { defaultProps: { position: 'right', size: 420, transitionProps: { duration: 140, transition: 'fade' } } },
    Menu: { defaultProps: { transitionProps: { duration: 90, transition: 'fade' }, shadow: 'md' } },
    Tooltip: {
      defaultProps: {
        openDelay: 250,
        transitionProps: { duration: 90, transition: 'fade' },
        events: { hover: true, focus: true, touch: true },
      },
    },
  },
})

export const cssVariables: CSSVariablesResolver = () => {
  const both = {
    '--mantine-color-text': 'var(--ink)',
    '--mantine-color-bright': 'var(--ink)',
    '--mantine-color-body': 'var(--surface)',
    '--mantine-color-error': 'var(--bad)',
    '--mantine-color-success': 'var(--good)',
    '--mantine-color-placeholder': 'var(--ink-3)',
    '--mantine-color-anchor': 'var(--accent)',
    '--mantine-color-default': 'var(--field)',
    '--mantine-color-default-hover': 'var(--hover)',
    '--mantine-color-default-color': 'var(--ink)',
    '--mantine-color-default-border': 'var(--control-line)',
    '--mantine-color-dimmed': 'var(--ink-2)',
    '--mantine-color-disabled': 'var(--raised)',
    '--mantine-color-disabled-color': 'var(--ink-3)',
    '--mantine-color-disabled-border': 'var(--line)',
    '--mantine-primary-color-contrast': 'var(--on-accent)',
    '--mantine-primary-color-filled': 'var(--accent)',
    '--mantine-primary-color-filled-hover': 'var(--accent)',
    '--mantine-primary-color-light': 'var(--accent-wash)',
    '--mantine-primary-color-light-hover': 'var(--accent-wash)',
    '--mantine-primary-color-light-color': 'var(--accent)',
    '--mantine-color-accent-filled': 'var(--accent)',
    '--mantine-color-accent-filled-hover': 'var(--accent)',
    '--mantine-color-accent-contrast': 'var(--on-accent)',
  }
  return { variables: {}, light: both, dark: both }
}

/** What a choice of the person is kept as, in this browser alone. */
export interface Preferences {
  readonly density: 'compact' | 'comfortable'
  /** Keys without Ctrl or Alt do something outside of fields. */
  readonly letterKeys: boolean
}

const PREFERENCES_KEY = 'borrow-desk-preferences'
const DEFAULTS: Preferences = { density: 'compact', letterKeys: true }

let preferences = readPreferences()
const listeners = new Set<() => void>()

function readPreferences(): Preferences {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(PREFERENCES_KEY) ?? '{}') as object) }
  } catch {
    return DEFAULTS
  }
}

export const preferenceStore = {
  get: () => preferences,
  subscribe(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
  set(change: Partial<Preferences>): void {
    preferences = { ...preferences, ...change }
    localStorage.setItem(PREFERENCES_KEY, JSON.stringify(preferences))
    applyDensity()
    for (const listener of listeners) listener()
  },
}

export function applyDensity(): void {
  document.documentElement.dataset.density = preferences.density
}
