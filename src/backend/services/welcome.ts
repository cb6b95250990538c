// What a person sees who started the engine with nothing configured: where it is, a key, and something to try. It also leaves the
// address in the data folder, where the command line finds it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEMO_KEYS_FILE, type DemoKey } from '../database/seed.ts'

/** The file in the data folder that says where the engine listens. */
const ENGINE_FILE = 'engine.json'

/** With a database of its own the engine has no keys to show: it says how to make the first. */
export function welcomeOperator(address: string): void {
  console.log(`
  Borrow Rate & Locate Fee Pricing Engine

  Address  ${address}
  Console  ${address}/
  Contract ${address}/docs
  Key      npm run key -- --role desk   makes one, for the database of DATABASE_URL
`)
}

/** For the command line: where the engine of this data folder listens. */
export function noteAddress(dataDir: string, address: string): void {
  writeFileSync(join(dataDir, ENGINE_FILE), `${JSON.stringify({ address, pid: process.pid })}\n`)
}

/** The address, a key and a command to try, for a person. */
export function tryIt(engine: {
  readonly address: string
  readonly dataDir: string
  readonly keys: readonly DemoKey[]
}): string {
  const { address, dataDir, keys } = engine
  const broker = keys.find((key) => key.role === 'broker')
  if (broker === undefined) return `  Address  ${address}`
  return `  Address  ${address}
  Key      ${broker.apiKey}   (broker ${broker.clientId}; more in ${join(dataDir, DEMO_KEYS_FILE)})
  Console  ${address}/   (sign in with the key; the one of the desk sees more)
  Contract ${address}/docs

  What does it cost to be short 50,000 USD of GME for 30 days? In another terminal:

  curl -s ${address}/api/v1/calculate-locate -H 'X-API-Key: ${broker.apiKey}' -H 'Content-Type: application/json' -d '{"ticker":"GME","position_value":50000,"loan_days":30,"client_id":"${broker.clientId}"}'`
}

export function welcome(engine: {
  readonly address: string
  readonly dataDir: string
  readonly demoKeys: readonly DemoKey[]
}): void {
  const { address, dataDir, demoKeys } = engine
  noteAddress(dataDir, address)
  console.log(`
  Borrow Rate & Locate Fee Pricing Engine

${tryIt({ address, dataDir, keys: demoKeys })}

  or, as a table:   npm run quote -- GME --value 50000 --days 30

  Prices are made from an excerpt of real figures and say so ("demo_data"). Ctrl-C stops the engine; the data stays.
`)
}
