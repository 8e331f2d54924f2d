import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.long.test.ts'],
    testTimeout: 60_000,
    // The native pool brings its own threads: two workers keep a two-core machine busy.
    maxWorkers: 2,
    passWithNoTests: false,
  },
});
