// A process that lets go what is past its years, and is killed on its way: `node --import tsx test/retention-process.ts <database url>
// <key file> <storage folder> <clock> <where to die>`, where the last is the name of a step, or `half exported`.

import { exportPlaces } from '../audit/export.ts'
import { folderStorage } from '../audit/folder-storage.ts'
import { retention } from '../audit/retention.ts'
import { readSigningKey, readTrustedKeys } from '../audit/signing-key.ts'
import { proveExport } from '../audit/verify-export.ts'
import { connectDatabase } from '../database/connect.ts'
import { uuidv7Maker } from '../server/uuidv7.ts'

const [url = '', keyFile = '', folder = '', now = '', end = ''] = process.argv.slice(2)
const clock = () => new Date(now)
const database = connectDatabase(url, { applicationName: 'retention', connectionsMax: 3 })
const key = readSigningKey(keyFile)
const exported = exportPlaces({ database, clock })

const dieAt = (place: string) => {
  if (place === end) process.kill(process.pid, 'SIGKILL')
}

await retention({
  database,
  storage: folderStorage(folder),
  async *exportPlaces(places, signal) {
    for await (const piece of exported(places, signal)) {
      yield piece.slice(0, 100)
      dieAt('half exported')
      yield piece.slice(100)
    }
  },
  proveExport: proveExport(readTrustedKeys([], [key])),
  key,
  clock,
  newId: uuidv7Maker(() => new Date()),
  years: 6,
  onStep: dieAt,
}).run()
await database.end()
