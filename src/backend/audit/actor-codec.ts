// Who asked, as a message between services. Which line of a batch a quote is, is known where lines are priced and does not travel.
import { type Codec, nullable, structure, text } from '../server/wire-codec.ts'
import type { Actor } from './quote-record.ts'

export const ACTOR: Codec<Actor> = structure({
  actorType: text(),
  actorId: text(),
  keyId: text(),
  sourceIp: text(),
  userAgent: nullable(text()),
  requestId: text(),
  idempotencyKey: nullable(text()),
})
