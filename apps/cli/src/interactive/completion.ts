import { type KnownCommand, takesTemplate } from './known-command.js'
import type { GatewayNames } from './names.js'
import { typedWords } from './words.js'

/** Everything that completion draws on. */
export interface CompletionSources {
  readonly commands: readonly KnownCommand[]
  /** What may stand first on a line. */
  readonly firstWords: readonly string[]
  readonly names: Pick<GatewayNames, 'templates' | 'instances' | 'tools'>
  readonly template: string | undefined
}

interface Typed {
  readonly command: KnownCommand
  /** Words after the command's name, and what is being typed. */
  readonly words: readonly string[]
  readonly partial: string
  /** The template in use, where the command takes it for its first argument. */
  readonly inUse: string | undefined
}

/** What the word at the end of a line can become, for `completer` of node:readline. */
export async function complete(line: string, sources: CompletionSources): Promise<[string[], string]> {
  const { before, partial } = typedWords(line)
  const candidates = await candidatesFor(before[0] === 'mcpp' ? before.slice(1) : before, partial, sources)
  const fitting = candidates.filter((candidate) => candidate.startsWith(partial))
  return [fitting.map((candidate) => (candidate.endsWith('=') ? candidate : `${candidate} `)), partial]
}

async function candidatesFor(
  before: readonly string[],
  partial: string,
  sources: CompletionSources,
): Promise<readonly string[]> {
  const [first, second] = before
  const { commands, firstWords, names, template } = sources
  if (first === undefined) return firstWords
  if (first === 'use') return names.templates()
  if (first === 'help') return firstWords
  const below = subcommands(first, commands)
  if (second === undefined && below.length > 0 && !partial.startsWith('-')) return below
  const long = commands.find(({ name }) => name === `${first} ${second}`)
  if (long !== undefined) return inCommand({ command: long, words: before.slice(2), partial, inUse: undefined }, names)
  const short = commands.find(({ name }) => name === `gateway ${first}`)
  if (short === undefined) return []
  const inUse = takesTemplate(short) ? template : undefined
  return inCommand({ command: short, words: before.slice(1), partial, inUse }, names)
}

async function inCommand(typed: Typed, names: CompletionSources['names']): Promise<readonly string[]> {
  const { command, words, partial, inUse } = typed
  const flag = flagNamed(command, words.at(-1))
  if (flag !== undefined && takesValue(flag)) return optionsOf(flag)
  if (partial.startsWith('-')) return flagNames(command)
  const given = [...(inUse === undefined ? [] : [inUse]), ...positionals(command, words)]
  const [name, arg] = Object.entries(command.args)[given.length] ?? []
  if (name === undefined || arg === undefined) return []
  const [template = ''] = given
  if (name === 'template') return names.templates()
  if (name === 'instance') return names.instances(template)
  if (name === 'tool') return names.tools(template)
  return optionsOf(arg)
}

function subcommands(topic: string, commands: readonly KnownCommand[]): string[] {
  const prefix = `${topic} `
  return commands.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => name.slice(prefix.length))
}

function flagNames({ flags }: KnownCommand): string[] {
  return Object.entries(flags).flatMap(([name, flag]) => {
    const negative = flag.type === 'boolean' && flag.allowNo === true ? [`--no-${name}`] : []
    return [`--${name}`, ...negative]
  })
}

// `--flag value` is two words, `--flag=value` is one.
function positionals(command: KnownCommand, words: readonly string[]): string[] {
  return words.filter((word, index) => {
    const before = flagNamed(command, words[index - 1])
    return !word.startsWith('-') && !(before !== undefined && takesValue(before))
  })
}

function flagNamed({ flags }: KnownCommand, word: string | undefined): KnownCommand['flags'][string] | undefined {
  if (word?.startsWith('--')) return Object.hasOwn(flags, word.slice(2)) ? flags[word.slice(2)] : undefined
  if (word?.length !== 2 || !word.startsWith('-')) return undefined
  return Object.values(flags).find(({ char }) => char === word[1])
}

function takesValue(flag: KnownCommand['flags'][string]): boolean {
  return flag.type === 'option'
}

function optionsOf(of: object): readonly string[] {
  const options: unknown = 'options' in of ? of.options : undefined
  return Array.isArray(options) ? options.filter((option) => typeof option === 'string') : []
}
