// The headers that every answer carries, also those that never reach a route.

/** An API answer is data: nothing in it may run or be framed. Pages (docs, console) set a policy of their own. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/** Half a year is the contract's least; a year is what browsers' preload lists ask. */
const TRANSPORT_SECURITY = 'max-age=31536000; includeSubDomains'

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': DATA_POLICY,
  'strict-transport-security': TRANSPORT_SECURITY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  // Answers depend on a key in a header, which shared caches know nothing of. What may be kept says so itself.
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
}
