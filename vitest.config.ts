import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [
    {
      // As the bundle does: SQL, and what the console sends to browsers, is text.
      name: 'as-text',
      enforce: 'pre',
      load: (id) =>
        /\.(sql|css|svg|client\.js)$/.test(id)
          ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))}`
          : undefined,
    },
  ],
  define: { __RUN_JOB_VERSION__: JSON.stringify('0.0.0-test') },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], tsconfig: 'tsconfig.json' },
    // For busy machines, and longer than what the tests' own clocks wait for before they say what hangs.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // What is awaited comes by itself; a second, which is usual, isn't long where six programs start at once.
    expect: { poll: { timeout: 30_000 } },
    maxWorkers: 2,
    // In CI a test that another one has kept from its turn may try once more, which is told beside its name; properties may not.
    retry: process.env.CI ? 1 : 0,
  },
});
