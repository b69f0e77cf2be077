import { createInterface as createLineReader } from 'node:readline'
import { createInterface } from 'node:readline/promises'

/** How lines are asked for on a terminal. */
export interface PromptOptions {
  readonly prompt: () => string
  readonly history: () => readonly string[]
  readonly complete: (line: string) => Promise<[string[], string]>
}

/**
 * Lines that somebody types, until Ctrl-D. Between two lines the terminal is not ours, so that a command may ask for a
 * password, and Ctrl-C ends the command.
 */
export async function* typedLines(options: PromptOptions): AsyncGenerator<string> {
  for (;;) {
    const line = await askLine(options)
    if (line === undefined) return
    yield line
  }
}

/** Lines of a pipe or a file. */
export async function* pipedLines(): AsyncGenerator<string> {
  const reader = createLineReader({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
  yield* reader
}

async function askLine({ prompt, history, complete }: PromptOptions): Promise<string | undefined> {
  const reader = createInterface({
    input: process.stdin,
    output: process.stdout,
    completer: complete,
    history: [...history()],
    historySize: 1_000,
  })
  const ended = Promise.withResolvers<undefined>()
  let isDropped = false
  reader.once('close', () => ended.resolve(undefined))
  // Ctrl-C drops the line, as in a shell.
  reader.once('SIGINT', () => {
    isDropped = true
    process.stdout.write('^C\n')
    reader.close()
  })
  try {
    const line = await Promise.race([reader.question(prompt()), ended.promise])
    if (line === undefined && !isDropped) process.stdout.write('\n')
    return isDropped ? '' : line
  } finally {
    reader.close()
  }
}
