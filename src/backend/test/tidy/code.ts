// Rules about single files: their names, their sizes, and what must not stand in them.
import { BACKEND, type TreeFile } from './tree.ts'

const BANNED_NAMES = /^(utils?|helpers?|common|core|base|managers?|types)(\.|$)/
/** Kustomize's own word for what overlays are laid over; the deployment guide names the path. */
const KUSTOMIZE_BASE = /^infrastructure\/kubernetes\/(cluster\/)?base\//
const FILE_BYTES_MAX = 1_500_000

/** Files and folders whose name says nothing about what is in them. */
export function nameFaults(files: readonly TreeFile[]): string[] {
  return files
    .map(({ path }) => path)
    .filter((path) =>
      path
        .replace(KUSTOMIZE_BASE, '')
        .split('/')
        .some((part) => BANNED_NAMES.test(part)),
    )
}

export function sizeFaults(files: readonly TreeFile[]): string[] {
  return files.filter(({ bytes }) => bytes > FILE_BYTES_MAX).map(({ path, bytes }) => `${path} has ${bytes} bytes`)
}

interface BannedText {
  readonly why: string
  readonly pattern: RegExp
  readonly where: RegExp
}

// Each pattern is written so that it does not find itself.
const BANNED_TEXTS: readonly BannedText[] = [
  { why: 'a test that does not run', pattern: /\b(?:it|test|describe)\.(?:skip|only|todo|fails)\(/, where: /\.tsx?$/ },
  { why: 'a mark for later work', pattern: /\b(?:TO[D]O|FIX[M]E|XX[X])\b/, where: /\.(?:tsx?|mjs|sql|md|css)$/ },
  {
    why: 'an absolute path of some machine',
    pattern: /(?<![\w.])\/(?:home|Users|work)\/[\w.-]+|\/tmp\/[a-z]+[_.-]jobs/,
    where: /./,
  },
  {
    why: 'the name of a package registry',
    pattern: /\b(?:registry\.[\w-]+\.(?:org|com)|npmjs\.(?:org|com)|deb\.debian\.org)/,
    where: /./,
  },
]

/** `path:line: why` for every text that must not be there. */
export function textFaults(files: readonly TreeFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    BANNED_TEXTS.filter(({ where }) => where.test(path)).flatMap(({ why, pattern }) => {
      const index = text.split('\n').findIndex((line) => pattern.test(line))
      return index === -1 ? [] : [`${path}:${index + 1}: ${why}`]
    }),
  )
}

const PRICING = `${BACKEND}pricing/`
const IMPURE = /\bDate\.now\b|\bnew Date\(\)|\bprocess\.|\bMath\.random\b|\bconsole\.|\basync\b|\bawait\b|\bPromise\b/

/** The core takes numbers and gives numbers: no clock, log, promise, environment or chance. */
export function purityFaults(files: readonly TreeFile[]): string[] {
  return pricingCode(files).flatMap(({ path, text }) => {
    const index = text.split('\n').findIndex((line) => !/^\s*(?:\/\/|\*|\/\*)/.test(line) && IMPURE.test(line))
    return index === -1 ? [] : [`${path}:${index + 1}: pricing is pure`]
  })
}

/** Exported functions of pricing without a docstring: shapes and units are said there. */
export function docstringFaults(files: readonly TreeFile[]): string[] {
  return pricingCode(files).flatMap(({ path, text }) => {
    const lines = text.split('\n')
    return lines.flatMap((line, index) => {
      const name = /^export (?:async )?function (\w+)/.exec(line)?.[1]
      return name === undefined || lines[index - 1]?.trimEnd().endsWith('*/')
        ? []
        : [`${path}: ${name} has no docstring`]
    })
  })
}

function pricingCode(files: readonly TreeFile[]): TreeFile[] {
  return files.filter(({ path }) => path.startsWith(PRICING) && path.endsWith('.ts') && !path.endsWith('.test.ts'))
}
