// The baseline of every measurement over HTTP: a bare node:http server that parses the same body and answers the same bytes.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, type ServerProcess } from './child-process.ts'

/** How to start it, for `withServer`. @param answer the bytes that it answers every request with */
export async function bareBaseline(folder: string, answer: string): Promise<ServerProcess> {
  const answerFile = join(folder, 'answer.json')
  writeFileSync(answerFile, answer)
  const url = `http://127.0.0.1:${await freePort()}`
  const program = fileURLToPath(new URL('./bare-server.ts', import.meta.url))
  return {
    url,
    command: ['--import', import.meta.resolve('tsx'), program, new URL(url).port, answerFile],
    readyPath: '/',
    environment: {},
    logFile: join(folder, 'bare.log'),
  }
}
