import { reportOf } from '../output/error-report.js'
import { printable } from '../output/printable.js'
import { writeReport } from '../output/write-report.js'
import { complete } from './completion.js'
import type { History } from './history.js'
import type { KnownCommand } from './known-command.js'
import { BUILT_IN, type Meaning, readLine, shortNames } from './line.js'
import { pipedLines, typedLines } from './lines.js'
import type { GatewayNames } from './names.js'
import { runCommand } from './run-command.js'

/** What a {@link PromptSession} works with. */
export interface PromptSessionOptions {
  readonly commands: readonly KnownCommand[]
  readonly history: History
  readonly names: GatewayNames
  /** Environment of the commands. */
  readonly env: NodeJS.ProcessEnv
  /** Somebody types; else lines come from a pipe. */
  readonly isTyped: boolean
}

/** One visit to the prompt: reads lines, runs commands, remembers the template in use. */
export class PromptSession {
  readonly #options: PromptSessionOptions
  readonly #firstWords: readonly string[]
  #template: string | undefined
  #lastCode = 0

  constructor(options: PromptSessionOptions) {
    this.#options = options
    this.#firstWords = shortNames(options.commands)
  }

  /** Runs until the lines end or somebody leaves. Resolves with the exit code of the last command. */
  async run(): Promise<number> {
    for await (const line of this.#lines()) {
      if (this.#options.isTyped) this.#options.history.add(line)
      if (!(await this.#obey(line))) break
    }
    return this.#lastCode
  }

  #lines(): AsyncIterable<string> {
    if (!this.#options.isTyped) return pipedLines()
    return typedLines({
      prompt: () => (this.#template === undefined ? 'mcpp> ' : `mcpp ${this.#template}> `),
      history: () => this.#options.history.lines,
      complete: (line) => this.#complete(line),
    })
  }

  #complete(line: string): Promise<[string[], string]> {
    const { commands, names } = this.#options
    return complete(line, { commands, names, firstWords: this.#firstWords, template: this.#template })
  }

  /** False: leave. */
  async #obey(line: string): Promise<boolean> {
    try {
      return await this.#do(readLine(line, this.#options.commands, this.#template))
    } catch (error) {
      const report = reportOf(error, { command: '' })
      writeReport(report, error, { json: false, verbose: false })
      this.#lastCode = report.exitCode
      return true
    }
  }

  async #do(meaning: Meaning): Promise<boolean> {
    if (meaning.kind === 'end') return false
    if (meaning.kind === 'help') process.stdout.write(`${helpText(this.#options.commands)}\n`)
    if (meaning.kind === 'use') await this.#use(meaning.template)
    if (meaning.kind === 'run') await this.#run(meaning.argv)
    return true
  }

  async #use(template: string | undefined): Promise<void> {
    this.#template = template
    if (template === undefined) return
    const known = await this.#options.names.templates()
    // It may be registered next, and a gateway that is not reached knows none.
    if (known.length > 0 && !known.includes(template)) {
      process.stderr.write(
        `There is no template ${printable(template)} yet; there is: ${printable(known.join(', '))}\n`,
      )
    }
  }

  async #run(argv: readonly string[]): Promise<void> {
    const { env, isTyped, names } = this.#options
    this.#lastCode = await runCommand({ argv, env, mayAsk: isTyped })
    names.forget()
  }
}

function helpText(commands: readonly KnownCommand[]): string {
  const own = Object.entries(BUILT_IN)
  const others = commands.map(({ name, summary }) => [name.replace(/^gateway /, ''), summary] as const)
  const rows = [...own, ...others]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}`).join('\n')
}
