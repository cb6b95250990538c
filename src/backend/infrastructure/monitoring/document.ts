// docs/operations/alerts.md, written from the rules with everything else.
import { DOCUMENTS_URL } from './documents-url.ts'
import { alertGroups } from './rules/groups.ts'
import { PRIORITIES, type Priority, SEVERITIES, TRUE_WINDOWS } from './rules/rule.ts'
import { RECEIVERS, REPEAT } from './stack/alertmanager.ts'

const HOW: Readonly<Record<Priority, string>> = {
  P1: 'a page, at any hour',
  P2: 'a call of who is on call',
  P3: 'a message in the channel',
  P4: 'a ticket',
}

export function alertsDocument(): string {
  const alerts = alertGroups(TRUE_WINDOWS).flatMap(({ rules }) => rules)
  const rows = (priority: Priority) => {
    const own = alerts.filter(({ labels }) => labels?.priority === priority)
    return own.map(({ alert, for: how, labels = {}, annotations = {} }) => {
      const which = labels.window ?? (alert === 'ServiceDown' ? labels.service : undefined)
      const runbook = (annotations.runbook_url ?? '').slice(DOCUMENTS_URL.length)
      const page = runbook.split('#')[0]?.split('/').at(-1)?.replace('.md', '')
      const cells = [
        `${alert}${which === undefined ? '' : `, ${which}`}`,
        plain(annotations.summary ?? ''),
        how ?? 'at once',
        plain(annotations.clients_see ?? ''),
        `[${page}](${runbook})`,
      ]
      return `| ${cells.join(' | ')} |`
    })
  }
  return [
    '# Alerts',
    '',
    `Written by \`npm run monitoring\` in \`src/backend/infrastructure\` from the rules that Prometheus has. [Monitoring](monitoring.md) says how they come to people.`,
    '',
    ...PRIORITIES.flatMap((priority) => [
      `## ${priority}`,
      '',
      `${capital(SEVERITIES[priority].severity)}: ${SEVERITIES[priority].response}. It comes as ${HOW[priority]} (receiver ${RECEIVERS[priority]}), and again after ${REPEAT[priority]}.`,
      '',
      '| alert | what it is | after | clients see | what to do |',
      '|---|---|---|---|---|',
      ...rows(priority),
      '',
    ]),
  ].join('\n')
}

/** `{{ $labels.service }}` is "the service" to a reader. */
function plain(template: string): string {
  return capital(template.replace(/\{\{ \$labels\.(\w+) \}\}/g, '($1)').replaceAll('|', '\\|'))
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
