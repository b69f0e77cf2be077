import type { Hook } from '@oclif/core'
import { usageError } from '../errors.js'
import { exitCodes } from '../exit-codes.js'
import { nearestName } from '../input/nearest-name.js'
import { reportOf } from '../output/error-report.js'
import { writeReport } from '../output/write-report.js'

/** Says which command was probably meant. */
const hook: Hook.CommandNotFound = async ({ id, config }) => {
  const typed = id.replaceAll(':', ' ')
  const known = config.commandIDs.map((name) => name.replaceAll(':', ' '))
  const meant = nearestName(typed, known)
  const topic = typed.split(' ', 1)[0] ?? ''
  const help = known.some((name) => name.startsWith(`${topic} `)) ? `mcpp ${topic} --help` : 'mcpp --help'
  const error = usageError(`There is no command "${typed}".`, nextOf(typed, meant) ?? help)
  writeReport(reportOf(error, { command: typed }), error, { json: process.argv.includes('--json'), verbose: false })
  process.exit(exitCodes.usage)
}

// "help" is a flag here: what was asked about is what stands behind it.
function nextOf(typed: string, meant: string | undefined): string | undefined {
  const about = /^help( .*)?$/.exec(typed)
  if (about !== null) return `mcpp${about[1] ?? ''} --help`
  return meant === undefined ? undefined : `mcpp ${meant}`
}

export default hook
