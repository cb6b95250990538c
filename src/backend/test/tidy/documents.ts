// Documents may name only what exists: paths, npm scripts, commands of the command line, settings and codes.
import { posix } from 'node:path'
import { BACKEND, type TreeFile } from './tree.ts'

/** What really exists, for names in documents to be looked up in. */
export interface Known {
  /** All paths of the tree, from the project's root. */
  readonly paths: readonly string[]
  /** Scripts of the root package and of the backend. */
  readonly npmScripts: ReadonlySet<string>
  /** Commands of the command line. */
  readonly commands: ReadonlySet<string>
  /** The text of everything that is not a document: a setting is real when some code reads it. */
  readonly code: string
}

const FILE_NAME = /^[\w@.-]*[\w-]\.(?:ts|tsx|mjs|js|md|sql|json|yaml|yml|sh|csv|txt|html|css)$/
const PATH = /^\.{0,2}\/?(?:[\w@.-]+\/)+[\w@.-]*$/
const SETTING = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/
const SETTINGS = /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g

/** `document: what does not exist`, for every document of the tree. */
export function documentFaults(documents: readonly TreeFile[], known: Known): string[] {
  const exists = pathLookup(known.paths)
  // Looked for once: the code is some megabytes.
  const settings = new Set(known.code.match(SETTINGS))
  const names = new Set(known.paths.map((candidate) => posix.basename(candidate)))
  return documents.flatMap(({ path, text }) => [
    ...linkFaults(path, text, documents, exists),
    ...codeSpans(text).flatMap((span) => spanFaults(path, span, { known, settings, names, exists })),
    ...commandFaults(path, text, known),
  ])
}

/** Everything between backticks on a line, outside of code blocks. */
function codeSpans(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '')
  return [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')
}

type Exists = (path: string) => boolean

function pathLookup(paths: readonly string[]): Exists {
  const all = new Set(paths)
  for (const path of paths) {
    for (let folder = posix.dirname(path); folder !== '.'; folder = posix.dirname(folder)) all.add(folder)
  }
  return (path) => all.has(posix.normalize(path).replace(/\/$/, ''))
}

function linkFaults(path: string, text: string, documents: readonly TreeFile[], exists: Exists): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
    const link = match[1] ?? ''
    if (/^[a-z]+:/.test(link)) return []
    const [target = '', anchor] = link.split('#')
    const file = target === '' ? path : posix.normalize(posix.join(posix.dirname(path), target))
    if (target !== '' && !exists(file)) return [`${path}: the link to ${link} leads nowhere`]
    if (anchor === undefined) return []
    const document = documents.find((candidate) => candidate.path === file)
    if (document === undefined || anchors(document.text).has(anchor)) return []
    return [`${path}: ${file} has no heading for ${link}`]
  })
}

function anchors(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map((match) => match[1] ?? '')
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  )
}

interface LookedUp {
  readonly known: Known
  readonly settings: ReadonlySet<string>
  /** Of all files, without their folders. */
  readonly names: ReadonlySet<string>
  readonly exists: Exists
}

function spanFaults(path: string, span: string, { known, settings, names, exists }: LookedUp): string[] {
  if (SETTING.test(span)) return settings.has(span) ? [] : [`${path}: no code knows ${span}`]
  if (FILE_NAME.test(span)) {
    return names.has(span) || known.code.includes(span) ? [] : [`${path}: there is no file ${span}`]
  }
  if (!PATH.test(span) || span.startsWith('/') || !looksLikePath(span, exists)) return []
  const places = [span, BACKEND + span, posix.join(posix.dirname(path), span)]
  return places.some(exists) ? [] : [`${path}: there is no ${span}`]
}

/** `ACT/365` and `text/csv` are not paths; `pricing/quote.ts`, `docs/` and `src/x` are. */
function looksLikePath(span: string, exists: Exists): boolean {
  const first = span.split('/')[0] ?? ''
  return span.endsWith('/') || FILE_NAME.test(posix.basename(span)) || exists(first) || exists(BACKEND + first)
}

function commandFaults(path: string, text: string, known: Known): string[] {
  const scripts = [...text.matchAll(/\bnpm (?:run )?([a-z][\w:-]*)/g)].flatMap(([words, script = '']) => {
    const isScript = words.startsWith('npm run') || script === 'start' || script === 'test'
    return isScript && !known.npmScripts.has(script) ? [`${path}: there is no npm script ${script}`] : []
  })
  const calls = /\b(?:borrow-rate-engine|npm run cli --) ([a-z][a-z-]*)/g
  const commands = [...text.matchAll(calls)].flatMap(([words, command = '']) =>
    isInCode(text, words) && !known.commands.has(command) ? [`${path}: the command line has no ${command}`] : [],
  )
  return [...scripts, ...commands]
}

/** Prose may say "the borrow-rate-engine is"; only code is a command. */
function isInCode(text: string, words: string): boolean {
  const blocks = text.match(/^```[\s\S]*?^```/gm) ?? []
  return [...blocks, ...codeSpans(text)].some((code) => code.includes(words))
}
