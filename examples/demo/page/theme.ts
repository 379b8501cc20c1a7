type Theme = 'light' | 'dark'

const storageKey = 'nearcast-demo-theme'

/** Follows the system until the button is used; then the choice stays on this device. */
export function installTheme(button: HTMLButtonElement): void {
  const system = matchMedia('(prefers-color-scheme: dark)')
  apply(stored())
  button.addEventListener('click', () => {
    const next: Theme = current() === 'dark' ? 'light' : 'dark'
    remember(next)
    apply(next)
  })
  system.addEventListener('change', () => apply(stored()))

  function current(): Theme {
    return stored() ?? (system.matches ? 'dark' : 'light')
  }

  function apply(theme: Theme | null): void {
    if (theme) document.documentElement.dataset['theme'] = theme
    else delete document.documentElement.dataset['theme']
    const dark = current() === 'dark'
    button.setAttribute('aria-pressed', String(dark))
    button.title = dark ? 'Light colours' : 'Dark colours'
  }
}

/** Storage may be denied (private windows, embedded pages): then the choice lasts as long as the page. */
function stored(): Theme | null {
  try {
    const value = localStorage.getItem(storageKey)
    return value === 'dark' || value === 'light' ? value : session
  } catch {
    return session
  }
}

let session: Theme | null = null

function remember(theme: Theme): void {
  session = theme
  try {
    localStorage.setItem(storageKey, theme)
  } catch {}
}
