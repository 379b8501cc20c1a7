import { defineConfig } from 'vitest/config'

const conditions = ['nearcast-source', 'module', 'node', 'import', 'default']
const shared = { resolve: { conditions }, ssr: { resolve: { conditions } } }

/** What is polled for comes in milliseconds, or never; a busy machine needs more than the one second of the default. */
const expectation = { poll: { timeout: 10_000 } }

/** They open sockets and pages, but mostly wait: four files at a time, one after the other of a file's tests. */
const patient = [
  'test/browser/loader-contract/*.test.ts',
  'test/browser/headless-browser.test.ts',
  'test/browser/{blocked-upgrades,candidates,dashboard,idb-store,trace}.test.ts',
  'test/integration/{headless-peer,headless-command,swarm,segment-stories,restored-segments}.test.ts',
  'test/integration/{edge-cli,edge-server,edge-source,redis-hub}.test.ts',
  'test/integration/tracker-{access,bench,bun,client,command,conformance,mesh,operations,privacy,server,ways}.test.ts',
  'examples/**/*.test.ts',
]

/**
 * `unit` needs no browser and no socket. `patient` and `real` do; `real` measures what a busy machine would spoil, so
 * its files run one at a time, and after all others.
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
            'test/{bench,sim,contract,office}/**/*.test.ts',
          ],
          exclude: ['test/office/{office,lan-key}.test.ts'],
          sequence: { groupOrder: 0 },
          expect: expectation,
          testTimeout: 180_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'patient',
          include: patient,
          sequence: { groupOrder: 1 },
          maxWorkers: 4,
          expect: expectation,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'real',
          include: ['test/{integration,browser}/**/*.test.ts', 'test/office/{office,lan-key}.test.ts'],
          exclude: patient,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          expect: expectation,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
