// What the web framework and the HTTP parser throw, in our words. Their own pages name a library and repeat the address;
// no client sees them.
import { invalidParameters, Problem } from './problem.ts'

/** @returns the problem to answer with, or null when the error is not the request's fault: a bug. */
export function problemOf(error: unknown): Problem | null {
  if (error instanceof Problem) return error
  if (typeof error !== 'object' || error === null) return null
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown }
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem('PAYLOAD_TOO_LARGE', 'The body is larger than this endpoint reads', { cause: error })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_EMPTY_TYPE':
      return unsupportedMediaType()
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return refusedRequest('body', 'body', 'the body is not as long as Content-Length says')
    case 'FST_ERR_BAD_URL':
      return refusedRequest('path', 'path', 'the path must be percent-encoded UTF-8')
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return refusedRequest('path', 'path', 'a part of the path is longer than any identifier')
    case 'FST_ERR_HANDLER_TIMEOUT':
      return new Problem('SERVICE_UNAVAILABLE', 'The answer took too long', { cause: error })
    default:
      // What serves files says so by the status alone.
      if (statusCode === 412) {
        return new Problem(
          'PRECONDITION_FAILED',
          'What is at this address is not as If-Match or If-Unmodified-Since say',
        )
      }
      if (statusCode === 416)
        return refusedRequest('Range', 'header', 'the range is not within what is at this address')
      // Whatever else the framework blames on the client.
      return typeof code === 'string' && code.startsWith('FST_') && isClientStatus(statusCode)
        ? refusedRequest('request', 'header', 'the request cannot be read')
        : null
  }
}

/** The connection ended before the body did. */
export function bodyCutShort(): Problem {
  return refusedRequest('body', 'body', 'the body ended before it was whole')
}

export function unsupportedMediaType(): Problem {
  return new Problem('UNSUPPORTED_MEDIA_TYPE', 'The body must be sent as Content-Type: application/json, in UTF-8')
}

function refusedRequest(field: string, location: 'body' | 'path' | 'header', message: string): Problem {
  return invalidParameters([{ field, location, message }])
}

function isClientStatus(status: unknown): boolean {
  return typeof status === 'number' && status >= 400 && status < 500
}

/** What stands behind an error of the HTTP parser, before there is a request: status line and problem. */
export function problemOfConnection(code: string | undefined): { statusLine: string; problem: Problem } {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return {
        statusLine: '431 Request Header Fields Too Large',
        problem: new Problem('PAYLOAD_TOO_LARGE', 'The address and headers are larger than the server reads'),
      }
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return {
        statusLine: '408 Request Timeout',
        problem: refusedRequest('request', 'header', 'the request did not arrive in time'),
      }
    default:
      return {
        statusLine: '400 Bad Request',
        problem: refusedRequest('request', 'header', 'what was sent is not an HTTP request'),
      }
  }
}
