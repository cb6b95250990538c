// The check of an exported file without any engine: the file and the trusted public keys are enough.
import { KeyFileError, readTrustedKeys } from '../audit/signing-key.ts'
import { verifyAnswer } from '../audit/verify-answer.ts'
import { exportText, verifyExport } from '../audit/verify-export.ts'
import type { VerifyStepAnswer } from '../client/record-answers.ts'
import { CommandError } from './engine-access.ts'

/**
 * @param file the bytes of the export, packed with gzip or not
 * @param publicKey the file of trusted keys
 * @throws CommandError when that holds no public key
 */
export async function* fileCheck(file: AsyncIterable<Uint8Array>, publicKey: string): AsyncGenerator<VerifyStepAnswer> {
  for await (const step of verifyExport(exportText(file), trustedKeys(publicKey))) yield verifyAnswer(step)
}

function trustedKeys(publicKey: string) {
  try {
    return readTrustedKeys([publicKey])
  } catch (error) {
    if (error instanceof KeyFileError) throw new CommandError(`${error.message}.`)
    throw error
  }
}
