import { MasterKeyMismatchError } from '../errors.js'
import type { MasterKey } from './master-key.js'
import { MasterKeyRing } from './master-key-ring.js'

/** Time after a rotation in which what the old master key has sealed is still read. */
export const OLD_KEY_READABLE_MS: number = 30 * 24 * 3600 * 1000

/** Which master key a database belongs to. Proves nothing about the key to whoever reads the database. */
export interface KeyCheck {
  readonly current: KeyMark
  /** The key before, since it was replaced. */
  readonly previous?: (KeyMark & { readonly replacedAt: Date }) | undefined
}

/** A master key's public marks. */
export interface KeyMark {
  readonly id: string
  readonly check: string
}

/** Keeps one {@link KeyCheck}. */
export interface KeyCheckStore {
  load(): Promise<KeyCheck | undefined>
  /** Replaces `expected` (by the id of its current key; undefined: none was there). False if another node was faster. */
  save(check: KeyCheck, expected: string | undefined): Promise<boolean>
}

/**
 * Makes sure at start that this process has the master key of the database; the first process of a new database sets it.
 * To rotate: give every node the new key as readable, then make it the current one node by node with the old one readable.
 * The first node that comes with a new current key moves the database over; nodes that still have it the other way round go on.
 * @returns the ring without keys whose 30 days are over
 * @throws MasterKeyMismatchError when the database's key is not among ours
 */
export async function checkMasterKey(
  ring: MasterKeyRing,
  store: KeyCheckStore,
  options: { readonly now?: (() => number) | undefined } = {},
): Promise<MasterKeyRing> {
  const now = options.now ?? Date.now
  for (;;) {
    const known = await store.load()
    const wanted = next(ring, known, now())
    if (wanted === known) return readable(ring, known, now())
    if (await store.save(wanted, known?.current.id)) return readable(ring, wanted, now())
  }
}

/** What the database should say; `known` itself if it says so already. */
function next(ring: MasterKeyRing, known: KeyCheck | undefined, now: number): KeyCheck {
  const current = markOf(ring.current)
  if (known === undefined) return { current }
  if (!hasKey(ring, known.current)) throw new MasterKeyMismatchError(known.current.id, ring.current.id)
  const isCurrent = known.current.id === current.id
  const isPrevious = known.previous?.id === current.id
  if (isCurrent || isPrevious) return known
  return { current, previous: { ...known.current, replacedAt: new Date(now) } }
}

function readable(ring: MasterKeyRing, known: KeyCheck | undefined, now: number): MasterKeyRing {
  const old = known?.previous
  if (old === undefined || old.id === ring.current.id) return ring
  if (now - old.replacedAt.getTime() < OLD_KEY_READABLE_MS) return ring
  return new MasterKeyRing(
    ring.current,
    ring.all.filter((key) => key.id !== old.id),
  )
}

function hasKey(ring: MasterKeyRing, mark: KeyMark): boolean {
  return ring.all.some((key) => key.id === mark.id && key.check === mark.check)
}

function markOf(key: MasterKey): KeyMark {
  return { id: key.id, check: key.check }
}
