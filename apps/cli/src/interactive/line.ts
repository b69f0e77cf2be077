import { usageError } from '../errors.js'
import { nearestName } from '../input/nearest-name.js'
import { type KnownCommand, takesTemplate } from './known-command.js'
import { splitWords } from './words.js'

/** What a line means. */
export type Meaning =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'end' }
  | { readonly kind: 'help' }
  /** Undefined: none any more. */
  | { readonly kind: 'use'; readonly template: string | undefined }
  | { readonly kind: 'run'; readonly argv: readonly string[] }

/** Words that the prompt itself understands. */
export const BUILT_IN: Readonly<Record<string, string>> = {
  help: 'this list; "help call" explains a command',
  use: 'use T: the template of the commands that follow; "use" alone: none',
  exit: 'leave (also quit, Ctrl-D)',
}

/**
 * Reads a line. `gateway` may be left out: `list` is `gateway list`. In this short form a template in use is put where the
 * command takes one; the long form is as in a shell.
 * @throws CliError (usage) for a command that there is not
 */
export function readLine(line: string, commands: readonly KnownCommand[], template: string | undefined): Meaning {
  const words = splitWords(line)
  const [first, ...rest] = words[0] === 'mcpp' ? words.slice(1) : words
  if (first === undefined || first.startsWith('#')) return { kind: 'nothing' }
  if (first === 'exit' || first === 'quit') return { kind: 'end' }
  if (first === 'use') return { kind: 'use', template: rest[0] }
  if (first === 'help') return rest.length === 0 ? { kind: 'help' } : run(rest, commands, undefined, ['--help'])
  return run([first, ...rest], commands, template, [])
}

function run(
  [first = '', ...rest]: readonly string[],
  commands: readonly KnownCommand[],
  template: string | undefined,
  more: readonly string[],
): Meaning {
  // First: there are `gateway config` and `config list`.
  const isLong = commands.some(({ name }) => name === `${first} ${rest[0]}`)
  const short = commands.find(({ name }) => name === `gateway ${first}`)
  if (!isLong && short !== undefined) {
    const inUse = template !== undefined && takesTemplate(short) ? [template] : []
    return { kind: 'run', argv: ['gateway', first, ...inUse, ...rest, ...more] }
  }
  if (commands.some(({ name }) => name.startsWith(`${first} `))) return { kind: 'run', argv: [first, ...rest, ...more] }
  const meant = nearestName(first, shortNames(commands))
  throw usageError(`There is no command ${JSON.stringify(first)}.`, meant ?? 'help')
}

/** What may stand first on a line: the commands without `gateway`, the other topics, the prompt's own words. */
export function shortNames(commands: readonly KnownCommand[]): string[] {
  const names = commands.map(({ name }) => name.replace(/^gateway /, '').split(' ', 1)[0] ?? '')
  return [...new Set([...names, 'gateway', ...Object.keys(BUILT_IN)])].sort()
}
