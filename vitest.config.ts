import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Examples import the package by name; tests run them against the sources.
  resolve: { alias: [{ find: /^nabla$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) }] },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.long.test.ts'],
    testTimeout: 120_000,
    // The native pool brings its own threads: two workers keep a two-core machine busy.
    maxWorkers: 2,
    passWithNoTests: false,
  },
});
