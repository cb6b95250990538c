// How to start bare-server.mjs, the baseline of every measurement over HTTP.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, type ServerProcess } from './child-process.ts'

/** For `withServer`. @param answer the bytes that it answers every request with */
export async function bareBaseline(folder: string, answer: string): Promise<ServerProcess> {
  const answerFile = join(folder, 'answer.json')
  writeFileSync(answerFile, answer)
  const url = `http://127.0.0.1:${await freePort()}`
  return {
    url,
    command: [fileURLToPath(new URL('./bare-server.mjs', import.meta.url)), new URL(url).port, answerFile],
    readyPath: '/',
    environment: {},
    logFile: join(folder, 'bare.log'),
  }
}
