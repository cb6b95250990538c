// Bundles the modules that the services are made of into few files, from their TypeScript: a service that starts reads twenty files of its own
// in place of two hundred. They take the place of the compiled modules in dist/services; packages stay outside (bundle_packages.mjs), and
// the other compiled modules stay for the commands.
import { rmSync } from 'node:fs'
import { relative } from 'node:path'
import { rolldown } from 'rolldown'

/** What is started, by its place below the sources and without the extension. */
const PROGRAMS = ['services/all-in-one', 'services/borrow-rate-engine']
/** Packages of many files, of which only what is used comes along: of typebox a tenth. */
const TAKEN_APART = ['typebox', 'csv-parse/sync']

/**
 * @param sources the folder of the sources, with a slash at its end
 * @param into the folder with what the compiler made of them
 */
export async function bundleServices(sources, into) {
  const bundle = await rolldown({
    input: Object.fromEntries(PROGRAMS.map((name) => [name, `${sources}${name}.ts`])),
    platform: 'node',
    external: (id) => !/^[./]/.test(id) && !TAKEN_APART.includes(id),
    plugins: [whereItStood(sources)],
  })
  rmSync(`${into}/services`, { recursive: true, force: true })
  await bundle.write({
    dir: into,
    entryFileNames: '[name].js',
    chunkFileNames: 'services/part-[name]-[hash].js',
    sourcemap: true,
    sourcemapExcludeSources: true,
  })
  await bundle.close()
}

/** What a module reads from beside itself it finds beside its compiled form. */
function whereItStood(sources) {
  return {
    name: 'where-it-stood',
    transform(code, id) {
      if (!code.includes('import.meta.url')) return null
      const place = relative(sources, id).replace(/\.ts$/, '.js')
      return {
        code: code.replaceAll('import.meta.url', `new URL('../${place}', import.meta.url).href`),
        map: lineByLine(code),
      }
    },
  }
}

/** The source map of a text in which no line moved. */
function lineByLine(code) {
  const others = code.split('\n').length - 1
  return { version: 3, sources: [''], names: [], mappings: `AAAA${';AACA'.repeat(others)}` }
}
