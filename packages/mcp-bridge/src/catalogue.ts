/** The list methods that the catalogue knows, with the member of the result that holds the items. */
export const LIST_MEMBERS = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
} as const

export type ListMethod = keyof typeof LIST_MEMBERS
export type ListItem = Readonly<Record<string, unknown>>

export interface ListKey {
  readonly template: string
  readonly method: ListMethod
  /**
   * Authorization context, with whatever else of the caller a server may list by; lists that a server calls `public` are
   * shared between contexts.
   */
  readonly context: string
}

/** One page as the server gave it, to be passed on without being modelled. */
export interface ListPage {
  /** The server's own cursor that it was asked for with; undefined for the first page. */
  readonly cursor: string | undefined
  /** The JSON of the result object, as a 2026 client gets it; `nextCursor` in it is the server's own. */
  readonly result: Buffer
}

/** All pages of one list, from one instance, in the server's order. */
export interface FetchedList {
  readonly items: readonly ListItem[]
  /** The same, byte for byte. */
  readonly pages: readonly ListPage[]
  /** Whose list it is: cursors mean something to this instance only. */
  readonly instanceId: string | undefined
  /** How long the server lets us keep it, in milliseconds; legacy servers say nothing: 0. */
  readonly ttlMs: number
  readonly scope: 'public' | 'private'
}

export interface CatalogueList extends FetchedList {
  /** When it was fetched, on the catalogue's clock, in milliseconds. */
  readonly fetchedAt: number
  /** Items by `name` (resources by `uri`, their templates by `uriTemplate`), first one wins. */
  readonly byName: ReadonlyMap<string, ListItem>
  /** The list is older than its time and the server could not be asked. */
  readonly stale: boolean
}

export interface ListCatalogueOptions<K extends ListKey = ListKey> {
  /** Asks one available instance for all pages. Rejections reach the caller unless a stale list can stand in. */
  readonly fetch: (key: K, signal: AbortSignal) => Promise<FetchedList>
  /** Whether a stale list may stand in for this rejection; false for an error that is the server's answer. @default always */
  readonly mayStandIn?: ((error: unknown) => boolean) | undefined
  /** Monotonic milliseconds. @default performance.now */
  readonly now?: (() => number) | undefined
  /** How long a list may outlive its time while its server fails, in milliseconds. @default 60_000 */
  readonly maxStaleMs?: number | undefined
  /** Lists kept at once; the longest unused goes first. @default 2_000 */
  readonly maxLists?: number | undefined
  /** Bytes of pages kept at once, over all lists. @default 64 MiB */
  readonly maxBytes?: number | undefined
}

const DEFAULT_MAX_STALE_MS = 60_000
const DEFAULT_MAX_LISTS = 2_000
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024

/**
 * What the servers of each template offer, as they said it last (MCP.md rule 8). A key may carry more than names it,
 * for the fetch to use (who asks). One fetch at a time per list;
 * a waiting caller that gives up does not end the fetch of the others, the last one does.
 */
export class ListCatalogue<K extends ListKey = ListKey> {
  readonly #fetch: ListCatalogueOptions<K>['fetch']
  readonly #now: () => number
  readonly #maxStaleMs: number
  readonly #maxLists: number
  readonly #maxBytes: number
  readonly #mayStandIn: (error: unknown) => boolean
  readonly #lists = new Map<string, CatalogueList>()
  readonly #flights = new Map<string, Flight>()
  #epoch = 0
  #bytes = 0

  constructor(options: ListCatalogueOptions<K>) {
    this.#fetch = options.fetch
    this.#now = options.now ?? (() => performance.now())
    this.#maxStaleMs = options.maxStaleMs ?? DEFAULT_MAX_STALE_MS
    this.#maxLists = options.maxLists ?? DEFAULT_MAX_LISTS
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES
    this.#mayStandIn = options.mayStandIn ?? (() => true)
  }

  /**
   * The list, from memory while its time has not run out, else fetched.
   * `maxAgeMs` lets a caller that can live with an older list say so (tool look-ups: 60 s).
   */
  async get(key: K, options: { signal: AbortSignal; maxAgeMs?: number | undefined }): Promise<CatalogueList> {
    const known = this.peek(key)
    if (known && this.#age(known) < Math.max(known.ttlMs, options.maxAgeMs ?? 0)) return known
    return this.refresh(key, options.signal)
  }

  /** The list in memory, however old; undefined if there is none. No cost beyond two map look-ups. */
  peek(key: ListKey): CatalogueList | undefined {
    return this.#lists.get(privateId(key)) ?? this.#lists.get(publicId(key))
  }

  /** Asks the server now. Joins a fetch that is already under way. */
  async refresh(key: K, signal: AbortSignal): Promise<CatalogueList> {
    const known = this.peek(key)
    try {
      return await this.#join(key, signal)
    } catch (error) {
      if (signal.aborted || !known || !this.#mayStandIn(error)) throw error
      if (this.#age(known) > known.ttlMs + this.#maxStaleMs) throw error
      return { ...known, stale: true }
    }
  }

  /** Forgets lists of a template: all of them, or those of one method (`list_changed`). */
  invalidate(template: string, method?: ListMethod): void {
    this.#epoch++
    const prefix = method ? `${template}\n${method}\n` : `${template}\n`
    for (const id of this.#lists.keys()) if (id.startsWith(prefix)) this.#drop(id)
  }

  #age(list: CatalogueList): number {
    return this.#now() - list.fetchedAt
  }

  #join(key: K, signal: AbortSignal): Promise<CatalogueList> {
    const id = privateId(key)
    const known = this.#flights.get(id)
    const flight = known && !known.abandoned ? known : this.#take(id, key)
    return flight.join(signal)
  }

  #take(id: string, key: K): Flight {
    const epoch = this.#epoch
    const flight = new Flight(async (signal) => {
      const fetchedAt = this.#now()
      const fetched = await this.#fetch(key, signal)
      const list = { ...fetched, fetchedAt, byName: indexOf(fetched.items, NAMED_BY[key.method]), stale: false }
      // A list that was invalidated while it was on its way is good for its askers, not for keeping.
      if (epoch === this.#epoch) this.#keep(list.scope === 'public' ? publicId(key) : id, list)
      return list
    })
    this.#flights.set(id, flight)
    void flight.settled.then(() => this.#flights.get(id) === flight && this.#flights.delete(id))
    return flight
  }

  #keep(id: string, list: CatalogueList): void {
    this.#drop(id)
    this.#lists.set(id, list)
    this.#bytes += bytesOf(list)
    while (this.#lists.size > this.#maxLists || this.#bytes > this.#maxBytes) {
      const oldest = this.#lists.keys().next()
      if (oldest.done) return
      this.#drop(oldest.value)
    }
  }

  #drop(id: string): void {
    const known = this.#lists.get(id)
    if (!known) return
    this.#bytes -= bytesOf(known)
    this.#lists.delete(id)
  }
}

function bytesOf({ pages }: FetchedList): number {
  return pages.reduce((sum, { result }) => sum + result.length, 0)
}

// One fetch with several askers; it is cancelled when the last of them has gone.
class Flight {
  readonly settled: Promise<void>
  readonly #result: Promise<CatalogueList>
  readonly #abort = new AbortController()
  #askers = 0

  get abandoned(): boolean {
    return this.#abort.signal.aborted
  }

  constructor(run: (signal: AbortSignal) => Promise<CatalogueList>) {
    this.#result = run(this.#abort.signal)
    this.settled = this.#result.then(
      () => undefined,
      () => undefined,
    )
  }

  async join(signal: AbortSignal): Promise<CatalogueList> {
    signal.throwIfAborted()
    this.#askers++
    const { promise: gone, reject } = Promise.withResolvers<never>()
    const leave = (): void => {
      reject(signal.reason)
      if (--this.#askers === 0) this.#abort.abort(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([this.#result, gone])
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }
}

function privateId(key: ListKey): string {
  return `${key.template}\n${key.method}\n${key.context}`
}

function publicId(key: ListKey): string {
  return `${key.template}\n${key.method}\n`
}

const NAMED_BY: Readonly<Record<ListMethod, string>> = {
  'tools/list': 'name',
  'prompts/list': 'name',
  'resources/list': 'uri',
  'resources/templates/list': 'uriTemplate',
}

function indexOf(items: readonly ListItem[], member: string): ReadonlyMap<string, ListItem> {
  const index = new Map<string, ListItem>()
  for (const item of items) {
    const name = item[member]
    if (typeof name === 'string' && !index.has(name)) index.set(name, item)
  }
  return index
}
