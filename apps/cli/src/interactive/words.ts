import { usageError } from '../errors.js'

/**
 * Splits a line into words as a shell does: quotes keep spaces, a backslash takes the next character as it is (not within
 * single quotes). Nothing is expanded: there is no shell.
 * @throws CliError (usage) for a quote that is not closed
 */
export function splitWords(line: string): string[] {
  const { words, open } = scanWords(line)
  if (open !== undefined) throw usageError(`A ${open} is not closed.`)
  return words
}

/** The words before the one that is being typed, and what there is of that one. */
export function typedWords(line: string): { readonly before: readonly string[]; readonly partial: string } {
  const { words } = scanWords(line)
  const isBetween = line === '' || /\s$/.test(line)
  return isBetween ? { before: words, partial: '' } : { before: words.slice(0, -1), partial: words.at(-1) ?? '' }
}

interface Scanned {
  readonly words: string[]
  /** The quote that is not closed. */
  readonly open: string | undefined
}

const PART = /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|(\s+)|([^\s'"\\]+)|([\s\S])/g

function scanWords(line: string): Scanned {
  const words: string[] = []
  let word: string | undefined
  let open: string | undefined
  for (const [, single, double, escaped, blank, plain, quote] of line.matchAll(PART)) {
    if (blank !== undefined) {
      if (word !== undefined) words.push(word)
      word = undefined
      continue
    }
    open ??= quote
    word = (word ?? '') + (single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? plain ?? '')
  }
  if (word !== undefined) words.push(word)
  return { words, open }
}
