// What services write into their logs, for a while: it goes back by itself.
import { Button, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { type LogLevel, SERVICE_NAMES, type ServiceLineAnswer, type ServiceName } from '../../../client/index.ts'
import { api, wordsOf } from '../../api.ts'
import { ageText, timeText } from '../../ui/formats.ts'
import { Failure } from '../../ui/states.tsx'
import classes from './page.module.css'

const LEVELS: readonly LogLevel[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']
const SERVICES: readonly (ServiceName | 'all')[] = ['all', ...SERVICE_NAMES]
const MINUTES_DEFAULT = '15'

export function LogLevelForm() {
  const form = useRef<HTMLFormElement>(null)
  const queries = useQueryClient()
  const [service, setService] = useState<ServiceName | 'all'>('all')
  const [level, setLevel] = useState<LogLevel>('debug')
  const [minutes, setMinutes] = useState(MINUTES_DEFAULT)
  const change = useMutation({
    mutationFn: () => api.operations.setLogLevel(service, level, minutesAsked(minutes)),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['operations'] }),
  })
  const { error } = change
  const fields = error === null ? null : wordsOf(error).fields
  useEffect(() => {
    const refused = error === null ? undefined : [...wordsOf(error).fields.keys()][0]
    if (refused !== undefined) form.current?.querySelector<HTMLInputElement>(`[name="${refused}"]`)?.focus()
  }, [error])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!change.isPending) change.mutate()
  }
  return (
    <form ref={form} className={classes.level} onSubmit={submit} noValidate aria-label="Log level">
      <Select
        label="Service"
        name="service"
        data={SERVICES.map((value) => ({ value, label: value === 'all' ? 'all services' : value }))}
        value={service}
        error={fields?.get('service')}
        onChange={(value) => setService(SERVICES.find((name) => name === value) ?? 'all')}
      />
      <Select
        label="Level"
        name="level"
        data={[...LEVELS]}
        value={level}
        error={fields?.get('level')}
        onChange={(value) => setLevel(LEVELS.find((name) => name === value) ?? 'info')}
      />
      <TextInput
        label="For minutes"
        name="minutes"
        inputMode="numeric"
        value={minutes}
        error={fields?.get('minutes')}
        onChange={({ currentTarget }) => setMinutes(currentTarget.value)}
      />
      <Button type="submit">Set the level</Button>
      <div className={classes.levelSaid} role="status">
        {change.data !== undefined && (
          <p>
            {change.data.service === 'all' ? 'All services write' : `${change.data.service} writes`} {change.data.level}{' '}
            until {timeText(change.data.until)} UTC.
          </p>
        )}
      </div>
      {error !== null && fields?.size === 0 && <Failure error={error} compact />}
    </form>
  )
}

/** What is no number is sent as it is typed, for the server to say what is wrong with it. */
function minutesAsked(typed: string): number {
  const text = typed.trim()
  return (/^-?[0-9]{1,9}$/.test(text) ? Number(text) : text) as number
}

/** Those whose level is not that of their settings now. */
export function ChangedLevels({
  services,
  now,
}: {
  readonly services: readonly ServiceLineAnswer[]
  readonly now: number
}) {
  const changed = services.filter(({ log_level_until }) => log_level_until !== null)
  if (changed.length === 0) return <p className="quiet">All services write what their settings say.</p>
  return (
    <ul>
      {changed.map(({ service, log_level, log_level_until }) => (
        <li key={service}>
          {service} writes {log_level ?? 'unknown'}; it goes back at {timeText(log_level_until ?? '')} UTC, in{' '}
          {ageText((Date.parse(log_level_until ?? '') - now) / 1000)}.
        </li>
      ))}
    </ul>
  )
}
