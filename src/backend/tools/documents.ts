// Writes the documents that are made of the program: the contract, the collection of requests, and what was measured. A test compares them with
// what is there.
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type JsonObject, readJson } from '../server/json-reader.ts'
import { contractText } from './contract-document.ts'
import { performancePage } from './performance-page.ts'
import { postmanCollection } from './postman-collection.ts'
import { prettyJson } from './pretty-json.ts'

const DOCS = fileURLToPath(new URL('../../../docs/', import.meta.url))
const FOLDER = `${DOCS}api/`

/** The texts by their paths. */
export async function generatedDocuments(): Promise<ReadonlyMap<string, string>> {
  const document = readJson(await contractText()) as JsonObject
  return new Map([
    [`${FOLDER}openapi.json`, prettyJson(document)],
    [`${FOLDER}postman-collection.json`, prettyJson(postmanCollection(document))],
    ...[...performancePage(`${DOCS}performance/`)].map(([path, text]) => [`${DOCS}${path}`, text] as const),
  ])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(FOLDER, { recursive: true })
  for (const [path, text] of await generatedDocuments()) {
    writeFileSync(path, text)
    console.log(path)
  }
}
