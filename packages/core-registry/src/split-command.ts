/** The words of a command line, or why it has none. */
export type SplitCommand = { readonly words: readonly string[] } | { readonly fault: string }

type Quote = '"' | "'" | undefined

/**
 * Splits one string into a program and its arguments, as a shell would but without being one: no variables, no globs,
 * no pipes. Blanks separate; '…' is literal; "…" knows \" and \\; outside quotes a backslash takes the
 * special meaning from a blank, a quote or a backslash and is an ordinary character before anything else (C:\tools).
 */
export function splitCommand(text: string): SplitCommand {
  if (text.includes('\0')) return { fault: 'must not hold a NUL character' }
  const scanner = new Scanner(text)
  const open = scanner.scan()
  if (open !== undefined) return { fault: `has a ${open} that is never closed` }
  if (scanner.words.length === 0) return { fault: 'must not be empty' }
  if (scanner.words[0] === '') return { fault: 'must begin with the name of a program' }
  return { words: scanner.words }
}

/** The inverse: one string that {@link splitCommand} takes apart into exactly these words. */
export function joinCommand(words: readonly string[]): string {
  return words.map(quoteWord).join(' ')
}

function quoteWord(word: string): string {
  if (/^[^\s"'\\]+$/.test(word)) return word
  return `"${word.replace(/["\\]/g, (character) => `\\${character}`)}"`
}

class Scanner {
  readonly words: string[] = []
  readonly #text: string
  #position = 0
  #word: string | undefined
  #quote: Quote

  constructor(text: string) {
    this.#text = text
  }

  /** Fills `words`; returns the quote that is still open at the end. */
  scan(): Quote {
    for (; this.#position < this.#text.length; this.#position += 1) this.#take(this.#text.charAt(this.#position))
    this.#endWord()
    return this.#quote
  }

  #take(character: string): void {
    if (character === '\\' && this.#escapes()) this.#takeEscaped()
    else if (character === this.#quote) this.#quote = undefined
    else if (this.#quote !== undefined) this.#append(character)
    else if (character === '"' || character === "'") this.#openQuote(character)
    else if (/\s/.test(character)) this.#endWord()
    else this.#append(character)
  }

  #escapes(): boolean {
    const next = this.#text.charAt(this.#position + 1)
    if (this.#quote === "'" || next === '') return false
    return this.#quote === '"' ? next === '"' || next === '\\' : /[\s"'\\]/.test(next)
  }

  #takeEscaped(): void {
    this.#position += 1
    this.#append(this.#text.charAt(this.#position))
  }

  #openQuote(quote: '"' | "'"): void {
    this.#quote = quote
    this.#append('')
  }

  #append(text: string): void {
    this.#word = (this.#word ?? '') + text
  }

  #endWord(): void {
    if (this.#word !== undefined) this.words.push(this.#word)
    this.#word = undefined
  }
}
