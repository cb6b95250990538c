// Before anything is drawn: the theme that was chosen, so that no page flashes in the other one. ui/theme.ts keeps the choice.
const chosen = localStorage.getItem('borrow-desk-theme')
const light = chosen === 'light' || (chosen === 'auto' && matchMedia('(prefers-color-scheme: light)').matches)
document.documentElement.setAttribute('data-mantine-color-scheme', light ? 'light' : 'dark')
