// The desk console as files: a page for every screen's address, and the scripts, styles and the font that it loads from here alone.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import files from '@fastify/static'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** One page for all of them: it reads the address itself. */
const SCREENS = [
  '/',
  '/rates',
  '/quote',
  '/basket',
  '/history',
  '/record',
  '/what-if',
  '/administration',
  '/operations',
]

/**
 * Everything comes from here, and nothing else is asked. Styles are also made by scripts (the grid, the components), which no hash
 * could name beforehand; scripts are files of this server.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** Where the build puts it: beside the compiled services, which a program that runs from its sources finds as well. */
export function consoleFolder(): string | null {
  const places = import.meta.url.endsWith('.ts') ? '../dist/console/' : '../console/'
  const folder = fileURLToPath(new URL(places, import.meta.url))
  return existsSync(`${folder}index.html`) ? folder : null
}

/** @param folder null: this build has no console, and its addresses are unknown as any other */
export function consoleRoutes(app: FastifyInstance, folder: string | null): void {
  if (folder === null) return
  app.register(async (pages) => {
    await pages.register(files, {
      root: folder,
      serve: false,
      // Made by the build: nothing is compressed while somebody waits.
      preCompressed: true,
    })
    for (const url of SCREENS) {
      pages.get(url, { schema: { hide: true } }, (_request, reply) =>
        page(reply).sendFile('index.html', { cacheControl: false }),
      )
    }
    pages.get('/theme-at-once.js', { schema: { hide: true } }, (_request, reply) =>
      reply.header('cache-control', 'no-cache').sendFile('theme-at-once.js', { cacheControl: false }),
    )
    // Their names change with what is in them. What is not there is not remembered: another version may have it in a moment.
    pages.get<{ Params: { '*': string } }>('/assets/*', { schema: { hide: true } }, (request, reply) =>
      reply.sendFile(`assets/${request.params['*']}`, { maxAge: '1y', immutable: true }),
    )
  })
}

function page(reply: FastifyReply): FastifyReply {
  return reply.headers({ 'content-security-policy': PAGE_POLICY, 'cache-control': 'no-cache' })
}
