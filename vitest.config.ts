import { defineConfig } from 'vitest/config'

const conditions = ['nearcast-source', 'module', 'node', 'import', 'default']
const shared = { resolve: { conditions }, ssr: { resolve: { conditions } } }

/**
 * Two projects: `unit` may run side by side; `real` opens browsers, sockets and namespaces and runs one file
 * at a time, so that a two-core machine measures one thing at a time.
 */
export default defineConfig({
  ...shared,
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: [
            '{peer-core,edge-fallback,player-plugin,tracker}/src/**/*.test.ts',
            'test/{sim,contract,office}/**/*.test.ts',
          ],
          exclude: ['test/office/office.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'real',
          include: [
            'test/{integration,browser}/**/*.test.ts',
            'test/office/office.test.ts',
            'examples/**/*.test.ts',
          ],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
