// How the console is built and, while somebody works on it, served. `npm run console` serves it with an engine behind it at
// 127.0.0.1:8000, or at ENGINE_URL; the build is part of `npm start`.
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const engine = process.env.ENGINE_URL ?? 'http://127.0.0.1:8000'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react()],
  build: {
    outDir: fileURLToPath(new URL('../dist/console', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // Inlined pieces would need a wider policy of the page.
    assetsInlineLimit: 0,
    // Charts and the grid are loaded by the screens that show them.
    chunkSizeWarningLimit: 1500,
    reportCompressedSize: false,
  },
  server: {
    host: '127.0.0.1',
    // What it shares with the services, and the packages, lie beside it.
    fs: { allow: [fileURLToPath(new URL('..', import.meta.url))] },
    proxy: Object.fromEntries(
      ['/api/', '/health', '/docs', '/openapi.json'].map((path) => [path, { target: engine, changeOrigin: true }]),
    ),
  },
})
