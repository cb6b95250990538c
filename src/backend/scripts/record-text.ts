// The records, the chain, a replay, the holds and a what-if as text for a person. Pure: answers in, lines out.
import type {
  EffectAnswer,
  LegalHoldAnswer,
  RecordPageAnswer,
  ReplayAnswer,
  ReplayRangeAnswer,
  ReplayStepAnswer,
  VerifyAnswer,
  WhatIfAnswer,
} from '../client/record-answers.ts'
import { decimal } from '../pricing/decimal.ts'
import { type Column, change, columns, counted, grouped, moment, percentPoints } from './formats.ts'

const left = (heading: string): Column => ({ heading, align: 'left' })
const right = (heading: string): Column => ({ heading, align: 'right' })

function usd(text: string | null): string {
  return text === null ? '' : grouped(decimal(text))
}

/** A page of a search, and how to go on. */
export function searchText(page: RecordPageAnswer): string {
  if (page.items.length === 0) return 'No record fits.'
  const rows = page.items.map((record) => [
    moment(record.occurred_at),
    record.record_type,
    record.client_id,
    record.ticker ?? '',
    usd(record.position_value),
    record.borrow_rate === null ? '' : percentPoints(decimal(record.borrow_rate)).toString(),
    usd(record.total_fee),
    record.sequence === null ? 'not yet' : grouped(decimal(record.sequence)),
    record.audit_id,
  ])
  const heads = [
    left('Time'),
    left('Kind'),
    left('Client'),
    left('Ticker'),
    right('Charged value'),
    right('% a year'),
    right('Total USD'),
    right('Place'),
    left('Audit id'),
  ]
  const total = page.total_is_exact ? counted(page.total, 'record') : `more than ${counted(page.total, 'record')}`
  const place = page.pages > 1 ? `, page ${page.page} of ${page.pages}` : ''
  const next = page.next_cursor === null ? [] : [`The next ones: the same with --cursor ${page.next_cursor}`]
  return [...columns(heads, rows), '', `${capital(total)}${place}.`, ...next].join('\n')
}

/** What was found of the chain, in one line; when it is broken, where and how. */
export function verifyText(result: VerifyAnswer): string {
  const { first_bad: bad, head, checked, unsealed } = result
  if (bad !== null) {
    const which = bad.audit_id === null ? '' : ` at record ${bad.audit_id}`
    const place = bad.sequence === null ? '' : ` (place ${grouped(decimal(bad.sequence))})`
    const before =
      checked === 0 ? '' : ` ${counted(checked, 'record')} before it ${checked === 1 ? 'is' : 'are'} right.`
    return `The chain is broken${which}${place}: ${bad.reason.replace('_', ' ')}. ${sentence(bad.sentence)}${before}`
  }
  const waiting = unsealed === 0 ? '' : `, ${grouped(decimal(unsealed))} not sealed yet`
  const signed =
    head === null
      ? 'Nothing is signed yet.'
      : `Head ${grouped(decimal(head.sequence))} was signed ${moment(head.signed_at)} with key ${head.key_id}.`
  return `The chain holds: ${counted(checked, 'record')} checked${waiting}. ${signed}`
}

/** A record priced again. */
export function replayText(answer: ReplayAnswer): string {
  if (answer.not_replayable !== null) {
    return `Record ${answer.audit_id} cannot be priced again: ${sentence(answer.not_replayable.sentence)}`
  }
  if (answer.identical) return `Identical: record ${answer.audit_id} gives the same price to the last digit.`
  return [`Different: record ${answer.audit_id} gives another price.`, '', ...differenceLines(answer.differences)].join(
    '\n',
  )
}

function differenceLines(differences: ReplayAnswer['differences']): string[] {
  const rows = differences.map(({ field, recorded, replayed }) => [field, recorded ?? 'nothing', replayed ?? 'nothing'])
  return columns([left('Line'), right('Recorded'), right('Replayed')], rows)
}

/** One record of a range that did not come out as it was. */
export function replayFindingText(step: ReplayStepAnswer): string | null {
  if (step.type === 'difference')
    return [`Record ${step.audit_id}`, ...differenceLines(step.differences), ''].join('\n')
  if (step.type === 'not_replayable') return `Record ${step.audit_id}: ${sentence(step.sentence)}\n`
  return null
}

export function replayRangeText(result: ReplayRangeAnswer): string {
  const { replayed, identical, different, not_replayable, other_records, unnamed } = result
  const others =
    other_records === 0
      ? ''
      : ` ${counted(other_records, 'other record')} ${other_records === 1 ? 'holds' : 'hold'} no price.`
  const beyond = unnamed === 0 ? '' : ` ${grouped(decimal(unnamed))} of them are too many to be named here.`
  const verdict = different === 0 && not_replayable === 0 ? 'Identical' : 'Not identical'
  const counts = [
    `${grouped(decimal(identical))} identical`,
    `${grouped(decimal(different))} different`,
    `${grouped(decimal(not_replayable))} not replayable`,
  ]
  return `${verdict}: ${counted(replayed, 'quote')} priced again, ${counts.join(', ')}.${beyond}${others}`
}

/** Holds as a list. */
export function holdsText(holds: readonly LegalHoldAnswer[], total = holds.length): string {
  if (holds.length === 0) return 'There is no legal hold.'
  const rows = holds.map((hold) => [
    hold.hold_id,
    hold.client_id ?? 'all',
    hold.ticker ?? 'all',
    hold.from === null ? 'the first' : moment(hold.from),
    hold.to === null ? 'open' : moment(hold.to),
    moment(hold.placed_at),
    hold.release === null ? 'in force' : `released ${moment(hold.release.released_at)}`,
    hold.reason,
  ])
  const heads = [
    left('Hold'),
    left('Client'),
    left('Ticker'),
    left('From'),
    left('To'),
    left('Placed'),
    left('State'),
    left('Reason'),
  ]
  const more = total > holds.length ? ['', `${holds.length} of ${counted(total, 'hold')}.`] : []
  return [...columns(heads, rows), ...more].join('\n')
}

/** A past range as it was and as it would be: the whole, and who would feel it. */
export function whatIfText(result: WhatIfAnswer): string {
  const lines: readonly (readonly [string, keyof EffectAnswer['before']])[] = [
    ['Borrow cost', 'borrow_cost'],
    ['Markup', 'markup'],
    ['Transaction fees', 'transaction_fees'],
    ['Total fees', 'total_fees'],
    ['Margin', 'margin'],
  ]
  const money = lines.map(([label, name]) => [
    label,
    usd(result.before[name]),
    usd(result.after[name]),
    signed(result.delta[name]),
  ])
  const client = (name: string, effect: EffectAnswer) => [
    name,
    grouped(decimal(effect.quotes)),
    usd(effect.before.total_fees),
    usd(effect.after.total_fees),
    signed(effect.delta.total_fees),
    signed(effect.delta.margin),
  ]
  const clients = [
    ...result.most_affected.map((one) => client(one.client_id, one)),
    ...(result.others === null ? [] : [client(`${counted(result.others.clients, 'other')}`, result.others)]),
  ]
  const missing = result.not_priced.map(
    ({ quotes, sentence: why }) => `Not priced: ${counted(quotes, 'quote')}, ${why}.`,
  )
  return [
    `${counted(result.quotes, 'quote')} of ${counted(result.clients, 'client')}, ${grouped(decimal(result.changed))} with another total.`,
    '',
    ...columns([left('USD'), right('as it was'), right('as drafted'), right('change')], money),
    '',
    ...(clients.length === 0
      ? []
      : [
          ...columns(
            [
              left('Client'),
              right('quotes'),
              right('fees as they were'),
              right('as drafted'),
              right('change'),
              right('change of margin'),
            ],
            clients,
          ),
          '',
        ]),
    ...missing,
    result.note,
  ].join('\n')
}

function signed(text: string): string {
  return change(decimal(text)) || '0.00'
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** With a capital and a full stop, whichever it came without. */
function sentence(text: string): string {
  return `${capital(text)}${text.endsWith('.') ? '' : '.'}`
}
