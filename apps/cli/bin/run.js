#!/usr/bin/env node
// Answers what must be fast, or must work on any Node, before oclif (150 modules) is loaded.
import { readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'

const [major, minor] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `mcpp needs Node 22.19 or newer; this is ${process.version}. Install a newer one from https://nodejs.org/`,
  )
  process.exitCode = 1
} else if (process.argv.length === 3 && ['--version', '-v', '-V'].includes(process.argv[2])) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  console.log(`mcpp ${version}`)
} else {
  nodeModule.enableCompileCache()
  const { execute } = await import('@oclif/core')
  // Whoever reads may have enough (`| head`): then nobody takes what oclif waits to have written. What still runs, runs on.
  const readerGone = new Promise((resolve) => process.stdout.once('error', resolve))
  await Promise.race([execute({ dir: import.meta.url }), readerGone])
}
