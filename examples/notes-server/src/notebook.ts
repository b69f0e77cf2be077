/** A note as tools and resources show it. */
export interface Note {
  /** Counts from 1. */
  readonly id: number
  readonly title: string
  readonly text: string
}

/** How many notes are kept; the oldest goes when one more comes. An example server must not grow for ever. */
export const MAX_NOTES = 1_000

/** The notes of one server process, shared by all its sessions. */
export class Notebook {
  readonly #notes = new Map<number, Note>()
  readonly #listeners = new Set<() => void>()
  #lastId = 0

  add(title: string, text: string): Note {
    this.#lastId += 1
    const note = { id: this.#lastId, title, text }
    this.#notes.set(note.id, note)
    if (this.#notes.size > MAX_NOTES) this.#notes.delete(note.id - MAX_NOTES)
    for (const listener of this.#listeners) listener()
    return note
  }

  /** Oldest first. */
  list(): readonly Note[] {
    return [...this.#notes.values()]
  }

  find(id: number): Note | undefined {
    return this.#notes.get(id)
  }

  /** Notes whose title or text holds the words, whatever their case. */
  search(words: string): readonly Note[] {
    const wanted = words.toLowerCase()
    return this.list().filter(({ title, text }) => `${title}\n${text}`.toLowerCase().includes(wanted))
  }

  /** Calls `listener` after each new note; returns the function that ends it. */
  onAdded(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
