#!/usr/bin/env node
// Makes the key that signs the record, or shows the public half of one that there is. The private key is written to the file and
// nowhere else; the public key goes to standard output, for whoever is to verify.
// Exit status: 0 done; 1 it failed, with a sentence.
//
//     node dist/scripts/generate_signing_key.js --file audit-signing-key.pem >audit-public-key.pem
import { Command } from 'commander'
import { createSigningKey, readSigningKey } from '../audit/signing-key.ts'

const program = new Command('generate_signing_key')
  .description('Makes the Ed25519 key that AUDIT_SIGNING_KEY_FILE names. A file that is there is never overwritten.')
  .requiredOption('--file <path>', 'the file of the private key')
  .option('--show', 'make none: show the public half of the key that is in the file', false)
  .action(({ file, show }: { file: string; show: boolean }) => {
    const key = show ? readSigningKey(file) : createSigningKey(file)
    if (!show)
      console.error(`Made the key ${key.keyId} in ${file}. Whoever has that file can sign: keep it, and nobody else.`)
    else console.error(`Key ${key.keyId}.`)
    process.stdout.write(key.publicKeyPem)
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message || String(error) : error)
  process.exitCode = 1
}
