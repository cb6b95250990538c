// The commands for API keys (an administrator's) and for webhooks (those of a key's own broker). A secret is the only thing on the
// output, once; what there is to say about it goes to the error output, so that it can be passed on.
import type { Command } from 'commander'
import type { KeyRole } from '../client/api-keys.ts'
import type { WebhookEventType } from '../client/webhooks.ts'
import {
  ADMINISTERING,
  type AskingOptions,
  type CommandTools,
  given,
  json,
  oneOf,
  whole,
  wholeFromOne,
} from './command-tools.ts'
import { CommandError } from './engine-access.ts'
import { deliveriesText, issuedText, keysText, keyText, webhooksText, webhookText } from './key-text.ts'

interface PageOptions extends AskingOptions {
  readonly limit?: number
  readonly skip?: number
}

const WITH_WEBHOOKS = ['broker', 'desk', 'admin']

function paged(command: Command): Command {
  return command
    .option('--limit <count>', 'most lines, up to 100', wholeFromOne)
    .option('--skip <count>', 'lines to leave out at the start', whole)
}

const pageOf = ({ limit, skip }: PageOptions) => ({ ...given('limit', limit), ...given('skip', skip) })

export function addKeyCommands(program: Command, tools: CommandTools): void {
  addKeys(program, tools)
  addWebhooks(program, tools)
}

function addKeys(program: Command, { asking, engine, print, note }: CommandTools): void {
  const keys = program.command('keys').description('API keys: made, listed, rotated, revoked')

  paged(asking(keys, 'list', 'keys, the newest first; those that are good now'))
    .option('--client <client_id>', 'of this broker')
    .option('--all', 'those that have ended too')
    .action(async (options: PageOptions & { client?: string; all?: true }) => {
      const answer = await engine(options, ADMINISTERING).apiKeys.list({
        ...pageOf(options),
        ...given('clientId', options.client),
        ...(options.all !== true && { active: true }),
      })
      print(options.json ? json(answer) : keysText(answer))
    })

  asking(keys, 'create', 'make a key; it is printed this once')
    .requiredOption('--client <client_id>', 'the broker that it belongs to; staff belong to house')
    .requiredOption('--role <role>', 'what it may do', oneOf('broker', 'desk', 'auditor', 'admin', 'system'))
    .option('--label <text>', 'for whom or what it is')
    .option('--expires-in-days <days>', '1 to 3650; else 90', wholeFromOne)
    .action(
      async (options: AskingOptions & { client: string; role: KeyRole; label?: string; expiresInDays?: number }) => {
        const issued = await engine(options, ADMINISTERING).apiKeys.create({
          clientId: options.client,
          role: options.role,
          ...given('label', options.label),
          ...given('expiresInDays', options.expiresInDays),
        })
        if (!options.json) note(issuedText(issued))
        print(options.json ? json(issued) : issued.api_key)
      },
    )

  asking(keys, 'rotate', 'make a key in the place of one, which goes on for a while')
    .argument('<key id>')
    .option('--overlap-days <days>', 'how long the old one goes on; else 14, and 0 ends it at once', whole)
    .option('--expires-in-days <days>', 'of the new one: 1 to 3650; else 90', wholeFromOne)
    .action(async (keyId: string, options: AskingOptions & { overlapDays?: number; expiresInDays?: number }) => {
      const issued = await engine(options, ADMINISTERING).apiKeys.rotate(keyId, {
        ...given('overlapDays', options.overlapDays),
        ...given('expiresInDays', options.expiresInDays),
      })
      if (!options.json) note(`${issuedText(issued)}\n${keyText(issued.replaced)}`)
      print(options.json ? json(issued) : issued.api_key)
    })

  asking(keys, 'revoke', 'end a key for good, with the sessions that were opened with it')
    .argument('<key id>')
    .option('--own', 'also when it is the key that this command is given')
    .action(async (keyId: string, options: AskingOptions & { own?: true }) => {
      const revoked = await engine(options, ADMINISTERING).apiKeys.revoke(keyId, given('own', options.own))
      print(options.json ? json(revoked) : keyText(revoked))
    })
}

interface NewWebhookOptions extends AskingOptions {
  readonly events: readonly WebhookEventType[]
  readonly tickers?: readonly string[]
  readonly threshold?: number
}

function addWebhooks(program: Command, { asking, engine, print, note }: CommandTools): void {
  const webhooks = program.command('webhooks').description('addresses that are told of events')
  const event = oneOf('rate_changed', 'feed_changed', 'batch_done')
  const several = (text: string) => text.split(',').map((part) => part.trim())

  paged(asking(webhooks, 'list', "webhooks of the key's broker; an administrator's key shows those of all"))
    .option('--client <client_id>', 'of this broker')
    .action(async (options: PageOptions & { client?: string }) => {
      const answer = await engine(options, WITH_WEBHOOKS).webhooks.list({
        ...pageOf(options),
        ...given('clientId', options.client),
      })
      print(options.json ? json(answer) : webhooksText(answer))
    })

  asking(webhooks, 'add', 'tell an address of events; the secret that signs is printed this once')
    .argument('<url>', 'https://…')
    .requiredOption('--events <names>', 'rate_changed, feed_changed, batch_done: by commas', (text: string) =>
      several(text).map(event),
    )
    .option('--tickers <names>', 'rate_changed of these alone, by commas', several)
    .option('--threshold <bp>', 'rate_changed from so many basis points on; else 1', wholeFromOne)
    .action(async (url: string, options: NewWebhookOptions) => {
      const added = await engine(options, WITH_WEBHOOKS).webhooks.add({
        url,
        events: options.events,
        ...given('tickers', options.tickers),
        ...given('thresholdBp', options.threshold),
      })
      if (!options.json) note(`${webhookText(added)}\nIts secret is shown this once:`)
      print(options.json ? json(added) : added.secret)
    })

  asking(webhooks, 'rotate', 'give a webhook a new secret; for a day the old one signs too')
    .argument('<webhook id>')
    .action(async (webhookId: string, options: AskingOptions) => {
      const rotated = await engine(options, WITH_WEBHOOKS).webhooks.rotateSecret(webhookId)
      if (!options.json) note(`${webhookText(rotated)}\nIts new secret is shown this once:`)
      print(options.json ? json(rotated) : rotated.secret)
    })

  asking(webhooks, 'remove', 'deliver nothing more, what waits included')
    .argument('<webhook id>')
    .action(async (webhookId: string, options: AskingOptions) => {
      const removed = await engine(options, WITH_WEBHOOKS).webhooks.remove(webhookId)
      print(options.json ? json(removed) : `Removed: ${webhookText(removed)}`)
    })

  paged(asking(webhooks, 'deliveries', 'what became of deliveries, the newest first'))
    .argument('<webhook id>')
    .option('--state <state>', 'pending, delivered or dead', oneOf('pending', 'delivered', 'dead'))
    .action(async (webhookId: string, options: PageOptions & { state?: 'pending' | 'delivered' | 'dead' }) => {
      const answer = await engine(options, WITH_WEBHOOKS).webhooks.deliveries(webhookId, {
        ...pageOf(options),
        ...given('state', options.state),
      })
      print(options.json ? json(answer) : deliveriesText(answer))
    })

  asking(webhooks, 'replay', 'deliver again: one delivery, or all that were given up since a time')
    .argument('<webhook id>')
    .option('--delivery <delivery id>', 'this one')
    .option('--since <time>', 'those given up since: 2026-11-24T06:00:00Z, or 2026-11-24 (UTC)')
    .action(async (webhookId: string, options: AskingOptions & { delivery?: string; since?: string }) => {
      const { delivery, since } = options
      if ((delivery === undefined) === (since === undefined)) {
        throw new CommandError('Say either --delivery <delivery id> or --since <time>.')
      }
      const what = delivery === undefined ? { since: since as string } : { deliveryId: delivery }
      const answer = await engine(options, WITH_WEBHOOKS).webhooks.replay(webhookId, what)
      print(options.json ? json(answer) : `${answer.replayed} queued again.`)
    })
}
