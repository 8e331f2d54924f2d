import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Examples import the package by name; tests run them against the sources.
  resolve: { alias: [{ find: /^nabla$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) }] },
  test: {
    include: ['test/**/*.long.test.ts'],
    testTimeout: 3_600_000,
    maxWorkers: 1,
    passWithNoTests: false,
  },
});
