import { fileURLToPath } from 'node:url'

// Shared by every package: native ESM, TypeScript by swc, `./x.js` in sources finds `./x.ts`.
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'] },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  globalSetup: fileURLToPath(new URL('tools/jest/temp-folder.js', import.meta.url)),
  globalTeardown: fileURLToPath(new URL('tools/jest/no-temp-folder.js', import.meta.url)),
  coverageProvider: 'v8',
  // A bound, not an expectation: it must hold on a machine that does much else. More than the 60 s of the test kit's waits, so that
  // a test that fails says which fact did not come; so no test of less than this has a bound of its own.
  testTimeout: 180_000,
  // Several packages run at once, and many tests start processes and databases of their own.
  maxWorkers: 2,
}
