/** Something that clients may have asked to be told. */
export type Change =
  | { readonly kind: 'tools' }
  | { readonly kind: 'prompts' }
  | { readonly kind: 'resources' }
  | { readonly kind: 'resource'; readonly uri: string }

/**
 * Carries changes from the tools that cause them to whoever serves clients: each legacy session, and the modern handler's
 * listen streams. A modern request has a server instance of its own that is gone when it is answered, so it cannot tell others itself.
 */
export class Changes {
  readonly #listeners = new Set<(change: Change) => void>()

  announce(change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }

  /** Returns the function that ends it. */
  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
