// Verifies an export with nothing but the file and the trusted public keys, years later and far from any database. Nothing that the file
// says of itself is believed: every hash is computed again, every head must bear the signature of a trusted key, and the trailer's
// count and checksum must be those of the lines that were read.
//
// What a file cannot show by itself is that more was sealed behind its last head. The head says how far it goes; the next file's anchor,
// the database or an exported head tells whether anything is missing between.

import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import {
  type Anchor,
  type Bad,
  CHAIN_START,
  type ChainCheck,
  chainCheck,
  checkExported,
  checkSignature,
} from './check-chain.ts'
import { type ExportTrailer, linesSeen, readLine } from './export-file.ts'
import type { Head } from './hash-chain.ts'
import type { TrustedKeys } from './signing-key.ts'
import { turns } from './turns.ts'
import { type VerifiedHead, type VerifyStep, verifiedHead } from './verify.ts'

/** A record has a million bytes of text at most, of which JSON may make six each. */
const LINE_CHARACTERS_MAX = 8_000_000
const PROGRESS_LINES = 4_000

/**
 * @param pieces the file's text, cut anywhere: see {@link exportText}
 * @param known the newest head that is known from elsewhere; null: none is. A file that holds its place must agree with it
 * It throws only what the pieces throw: whatever is wrong with the file is the result's `firstBad`.
 */
export async function* verifyExport(
  pieces: AsyncIterable<string>,
  trusted: TrustedKeys,
  known: Head | null = null,
): AsyncIterable<VerifyStep> {
  const turn = turns()
  const seen = linesSeen()
  let number = 0
  let check: ChainCheck | null = null
  let trailer: ExportTrailer | null = null
  let records = 0
  let bad: Bad | null = null

  for await (const text of linesOf(pieces)) {
    number += 1
    const line = text === null ? null : readLine(text)
    if (line === null) bad = damaged(number, 'it is no line of an export')
    else if (trailer !== null) bad = damaged(number, 'it stands behind the end of the export')
    else if ((line.type === 'header') !== (number === 1))
      bad = damaged(number, 'the header is the first line and no other')
    else if (line.type === 'header') {
      const { anchor } = line.header
      bad = anchor === null ? null : checkSignature(anchor, trusted)
      const start: Anchor = anchor ?? CHAIN_START
      if (known?.sequence === start.sequence) bad ??= checkExported(start, known)
      check = chainCheck(start, trusted, known)
    } else if (line.type === 'record') {
      records += 1
      bad = (check as ChainCheck).record(line.link)
    } else if (line.type === 'head') bad = (check as ChainCheck).head(line.head)
    else {
      trailer = line.trailer
      bad = (check as ChainCheck).end() ?? checkTrailer(trailer, records, seen.sha256(trailer))
    }
    if (bad !== null) break
    if (trailer === null) seen.add(text as string)
    const pause = turn()
    if (pause !== null) await pause
    if (number % PROGRESS_LINES === 0) yield { kind: 'progress', checked: check?.checked() ?? 0, of: null }
  }

  if (bad === null && trailer === null) {
    const sentence =
      number === 0
        ? 'the file is empty'
        : `the file breaks off behind line ${number}: it has no trailer, so its end is missing`
    bad = { auditId: null, sequence: null, reason: 'cut_off', sentence }
  }
  yield {
    kind: 'result',
    valid: bad === null,
    checked: check?.checked() ?? 0,
    unsealed: trailer?.unsealed ?? 0,
    firstBad: bad,
    head: verifiedHead(check?.lastHead() ?? null),
  }
}

/** The text of a file as it lies on a disk or in storage. One that is packed with gzip is unpacked; a broken packing ends the text. */
export async function* exportText(file: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder()
  for await (const bytes of unpacked(file)) yield decoder.decode(bytes, { stream: true })
  yield decoder.decode()
}

/** What is kept of the verification of a file in storage. */
export interface ExportProof {
  readonly valid: boolean
  readonly checked: number
  /** Why it is not valid. */
  readonly sentence: string | null
  readonly head: VerifiedHead | null
}

/** The function that verifies a file, as {@link verifyExport}, and says only how it ended. */
export function proveExport(
  trusted: TrustedKeys,
): (file: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<ExportProof> {
  return async (file, signal) => {
    for await (const step of verifyExport(exportText(file), trusted)) {
      signal.throwIfAborted()
      if (step.kind === 'progress') continue
      const { valid, checked, firstBad, head } = step
      return { valid, checked, sentence: firstBad?.sentence ?? null, head }
    }
    throw new Error('the verification of an export ended without a result')
  }
}

const GZIP_MAGIC = [0x1f, 0x8b]

async function* unpacked(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const begun = file[Symbol.asyncIterator]()
  const first = await begun.next()
  if (first.done) return
  async function* whole() {
    yield first.value as Uint8Array
    yield* { [Symbol.asyncIterator]: () => begun }
  }
  const isPacked = first.value[0] === GZIP_MAGIC[0] && first.value[1] === GZIP_MAGIC[1]
  if (!isPacked) return yield* whole()
  const gunzip = createGunzip()
  pipeline(Readable.from(whole()), gunzip, () => {}) // a failure of either ends the loop below
  try {
    yield* gunzip
  } catch (error) {
    // Then the text ends before its trailer, and that is what is said of it.
    if (!String((error as { code?: unknown }).code).startsWith('Z_')) throw error
  }
}

/** Lines without their ends; null for one that is longer than any line of an export. What breaks off in the middle of a line is none. */
async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string | null> {
  let rest = ''
  for await (const piece of pieces) {
    const lines = piece.split('\n')
    lines[0] = rest + lines[0]
    rest = lines.pop() as string
    yield* lines
    if (rest.length > LINE_CHARACTERS_MAX) {
      yield null
      return
    }
  }
  if (readLine(rest) !== null) yield rest
}

function checkTrailer(trailer: ExportTrailer, records: number, sha256: string): Bad | null {
  if (trailer.records === records && trailer.sha256 === sha256) return null
  const sentence = `the file has ${records} records and the checksum ${sha256}; its trailer says ${trailer.records} and ${trailer.sha256}`
  return { auditId: null, sequence: null, reason: 'altered', sentence }
}

function damaged(line: number, what: string): Bad {
  return { auditId: null, sequence: null, reason: 'altered', sentence: `line ${line} of the file is damaged: ${what}` }
}
