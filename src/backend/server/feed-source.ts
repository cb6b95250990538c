// Where the data of an input comes from, as one setting says it: addresses separated by spaces, the preferred first. An address is
// either a service that is asked about one name at a time, or a file that is fetched on a schedule; which of the two, its form
// says, and a fragment can say it where the form does not.

export interface FeedSource {
  /** Without its fragment. It may hold credentials, and is never logged; {@link safeAddress} is. */
  readonly url: string
  readonly form: 'service' | 'file'
  /** The name that observations from it carry; null: the form's own name of a file, the host's of a service. */
  readonly provider: string | null
}

const SERVICE_PROTOCOLS = ['http:', 'https:']
const FILE_PROTOCOLS = ['file:', 'ftp:', 'ftps:', ...SERVICE_PROTOCOLS]
const FILE_PATH = /\.(txt|csv)(\.gz)?$/i
const PROVIDER = /^[a-z0-9][a-z0-9.:-]{0,59}$/

/**
 * `ftp:` and `file:` are files, and so are paths that end in .txt, .csv, .txt.gz or .csv.gz; other http(s) addresses are services.
 * `#form=file`, `#form=service` and `#provider=name` say otherwise, together with `&`.
 * @returns null when it is neither
 */
export function readFeedSource(text: string): FeedSource | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  const said = new URLSearchParams(url.hash.slice(1))
  if ([...said.keys()].some((key) => key !== 'form' && key !== 'provider')) return null
  url.hash = ''
  const form =
    said.get('form') ?? (FILE_PATH.test(url.pathname) || !SERVICE_PROTOCOLS.includes(url.protocol) ? 'file' : 'service')
  const protocols = form === 'file' ? FILE_PROTOCOLS : form === 'service' ? SERVICE_PROTOCOLS : []
  const provider = said.get('provider')
  if (!protocols.includes(url.protocol) || (provider !== null && !PROVIDER.test(provider))) return null
  // A question may stand in the address of a file; a service's own questions are appended to it.
  if (form === 'service' && (url.search !== '' || url.username !== '')) return null
  return { url: url.href, form: form as FeedSource['form'], provider }
}

/** An address as it may be shown: without user, password, question and fragment, where keys stand. */
export function safeAddress(address: string): string {
  const { protocol, host, pathname } = new URL(address)
  return `${protocol}//${host}${pathname}`
}
