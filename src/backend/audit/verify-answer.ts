// The steps of a verification under the names of the API, whoever verified: the audit service, or the command line with a file.
import type { VerifyStep } from './verify.ts'

/** A step as one JSON object, with its `type`. */
export function verifyAnswer(step: VerifyStep) {
  if (step.kind === 'progress') return { type: 'progress' as const, checked: step.checked, of: step.of }
  const { firstBad, head } = step
  return {
    type: 'result' as const,
    status: 'success' as const,
    valid: step.valid,
    checked: step.checked,
    unsealed: step.unsealed,
    first_bad: firstBad && {
      audit_id: firstBad.auditId,
      sequence: firstBad.sequence,
      reason: firstBad.reason,
      sentence: firstBad.sentence,
    },
    head: head && { sequence: head.sequence, hash: head.hash, signed_at: head.signedAt, key_id: head.keyId },
  }
}
