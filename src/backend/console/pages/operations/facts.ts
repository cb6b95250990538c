// Facts of a component as it tells them, each in the form of its unit. The name of a fact says the unit.
import { fraction, inPercent } from '../../../client/units.ts'
import { ageText, fixed, grouped, momentText } from '../../ui/formats.ts'
import { wordsOf } from './states.ts'

export interface Fact {
  readonly name: string
  readonly text: string
}

const DECIMAL = /^-?[0-9]+(\.[0-9]+)?$/
const MOMENT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T/

/** All but its state, in its own order; facts within facts come flat. */
export function factsOf(component: Readonly<Record<string, unknown>>): Fact[] {
  return Object.entries(component).flatMap(([name, value]) => (name === 'state' ? [] : flat(name, value)))
}

function flat(name: string, value: unknown): Fact[] {
  if (Array.isArray(value)) return [{ name: wordsOf(name), text: value.length === 0 ? 'none' : value.join(', ') }]
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([inner, of]) => flat(`${name}_${inner}`, of))
  }
  return [factOf(name, value)]
}

function factOf(name: string, value: unknown): Fact {
  if (value === null || value === undefined) return { name: wordsOf(unitless(name)), text: 'none' }
  if (typeof value === 'boolean') return { name: wordsOf(name), text: value ? 'yes' : 'no' }
  const text = String(value)
  if (MOMENT.test(text)) return { name: wordsOf(name), text: momentText(text) }
  if (!DECIMAL.test(text)) return { name: wordsOf(name), text }
  if (name.endsWith('_ms')) return { name: wordsOf(unitless(name)), text: msText(text) }
  if (name.endsWith('_seconds')) return { name: wordsOf(unitless(name)), text: secondsText(text) }
  return { name: wordsOf(name), text: grouped(text) }
}

function unitless(name: string): string {
  return name.replace(/_(ms|seconds)$/, '')
}

/** `7.7 ms` */
export function msText(exact: string): string {
  return `${fixed(exact, 1)} ms`
}

/** `0.3 s` while it is short, else an age. */
export function secondsText(exact: string | number): string {
  const seconds = Number(exact)
  return seconds < 10 ? `${fixed(String(exact), 1)} s` : ageText(seconds)
}

/** How long a process has run: `3 d 4 h`, `3 h 11 min`, `12 s`. */
export function uptimeText(seconds: number): string {
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor((seconds % 86_400) / 3600)
  return days === 0 || hours === 0 ? ageText(seconds) : `${days} d ${hours} h`
}

/** 0 to 1, as percent. */
export function shareText(exact: string): string {
  return `${fixed(inPercent(fraction(exact)), 1)} %`
}
