// Everything of this package: what takes milliseconds and what starts terraform. The long ones may take minutes on a small machine, and
// one file at a time leaves it room.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
