// The commands of operators: how the services are, and how much their logs say.
import type { Command } from 'commander'
import { type LogLevel, type OperationsAnswer, SERVICE_NAMES, type ServiceName } from '../client/operations.ts'
import { ADMINISTERING, type AskingOptions, type CommandTools, json, oneOf, wholeFromOne } from './command-tools.ts'
import { age, columns } from './formats.ts'

const OPERATING = ['desk', 'auditor', 'admin']
const SERVICES = ['all', ...SERVICE_NAMES] as const
const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const
const MINUTES_DEFAULT = 15

export function addOperationCommands(program: Command, { asking, engine, print, foundBad }: CommandTools): void {
  asking(program, 'operations', 'show how every service and feed is').action(async (options: AskingOptions) => {
    const answer = await engine(options, OPERATING).operations.read()
    print(options.json ? json(answer) : operationsText(answer))
    if (answer.services.some(({ state }) => state === 'away')) foundBad()
  })

  asking(program, 'log-level', 'have a service write more into its log, or less, for a while')
    .argument('<service>', SERVICES.join(', '), oneOf(...SERVICES))
    .argument('<level>', LEVELS.join(', '), oneOf(...LEVELS))
    .option('--minutes <count>', 'then it goes back by itself', wholeFromOne, MINUTES_DEFAULT)
    .action(async (service: ServiceName | 'all', level: LogLevel, options: AskingOptions & { minutes: number }) => {
      const answer = await engine(options, ADMINISTERING).operations.setLogLevel(service, level, options.minutes)
      const whom = service === 'all' ? 'All services write' : `The ${service} writes`
      print(
        options.json
          ? json(answer)
          : `${whom} ${answer.level} until ${answer.until.slice(0, 19)}Z, and then as before.`,
      )
    })
}

/** A line a service with what is away of it, and a line a feed. */
export function operationsText({ services, feeds }: OperationsAnswer): string {
  const rows = services.map((service) => [
    service.service,
    service.state,
    service.uptime_seconds === null ? '' : age(service.uptime_seconds),
    service.version ?? '',
    service.log_level === null ? '' : `${service.log_level}${service.log_level_until === null ? '' : ' for a while'}`,
    Object.entries(service.components)
      .filter(([, { state }]) => state !== 'up')
      .map(([name]) => `${name} is down`)
      .join(', '),
  ])
  const headings = ['Service', 'State', 'Up for', 'Version', 'Log', '']
  const feedRows = Object.entries(feeds ?? {}).map(([name, feed]) => {
    const { state, provider, data, breaker } = feed as Record<string, unknown>
    const breakerState = (breaker as { state?: unknown } | undefined)?.state
    return [
      name,
      textOf(state),
      textOf(provider),
      textOf(data),
      breakerState === undefined ? '' : `breaker ${textOf(breakerState)}`,
    ]
  })
  return [
    ...columns(
      headings.map((heading) => ({ heading, align: 'left' as const })),
      rows,
    ),
    '',
    ...(feeds === null
      ? ['The feeds are not known now.']
      : columns(
          ['Feed', 'State', 'Provider', 'Data', ''].map((heading) => ({ heading, align: 'left' as const })),
          feedRows,
        )),
  ].join('\n')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
