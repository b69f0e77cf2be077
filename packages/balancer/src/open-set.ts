/** Bits in a word of the map. */
const WORD = 32

/**
 * A subset of 0..size-1 that finds its next member in O(log32 size): a bit per index, above it a bit per word that is
 * not empty, and so on. Ten thousand endpoints make three levels, so full ones are skipped without looking at each.
 */
export class OpenSet {
  readonly size: number
  readonly #levels: Uint32Array[] = []

  /** All indices are members at first. */
  constructor(size: number) {
    this.size = size
    let bits = size
    do {
      this.#levels.push(filled(bits))
      bits = Math.ceil(bits / WORD)
    } while (bits > 1)
  }

  has(index: number): boolean {
    return (wordAt(this.#levels[0], index >>> 5) & (1 << (index & 31))) !== 0
  }

  set(index: number, open: boolean): void {
    let at = index
    for (const words of this.#levels) {
      const word = wordAt(words, at >>> 5)
      const next = open ? word | (1 << (at & 31)) : word & ~(1 << (at & 31))
      words[at >>> 5] = next
      // A word that was and stays non-empty, or was and is empty, is told so above already.
      if ((word !== 0) === (next !== 0)) return
      at >>>= 5
    }
  }

  /** The smallest member >= from; -1 if there is none. */
  next(from: number): number {
    let at = from
    for (let level = 0; level < this.#levels.length; level++) {
      const word = wordAt(this.#levels[level], at >>> 5) & (-1 << (at & 31))
      if (word !== 0) return this.#descend(level, (at & ~31) | lowestBit(word))
      at = (at >>> 5) + 1
    }
    return -1
  }

  #descend(level: number, at: number): number {
    let index = at
    for (let below = level - 1; below >= 0; below--) {
      index = (index << 5) | lowestBit(wordAt(this.#levels[below], index))
    }
    return index
  }
}

function filled(bits: number): Uint32Array {
  const words = new Uint32Array(Math.max(1, Math.ceil(bits / WORD))).fill(0xffffffff)
  const rest = bits % WORD
  if (rest !== 0 || bits === 0) words[words.length - 1] = 2 ** rest - 1
  return words
}

// Past the end there is nothing: an empty word.
function wordAt(words: Uint32Array | undefined, at: number): number {
  return words?.[at] ?? 0
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word)
}
