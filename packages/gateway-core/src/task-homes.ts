/** Tasks that one principal may have remembered; the one not used for longest makes room. */
const MAX_PER_PRINCIPAL = 1_000
/** Principals that may have any; the one that used none of its tasks for longest makes room. */
const MAX_PRINCIPALS = 1_000
/** A task that nobody asked for during this time is forgotten, in milliseconds. */
const FORGET_AFTER_MS = 3_600_000
/** A longer id is not remembered: ids come from servers, and many long ones would be a lot of memory. */
const MAX_ID_LENGTH = 256

interface Home {
  readonly instanceId: string
  readonly usedAt: number
}

/**
 * Which instance holds a task: the one that created it is the only one that is sure to know it. Kept apart by principal,
 * so that nobody can steer or push out another's; bounded in number and age. In memory of this process: what another
 * one has learned is not known here.
 */
export class TaskHomes {
  readonly #now: () => number
  // Both levels in the order of use, the oldest first.
  readonly #byPrincipal = new Map<string, Map<string, Home>>()

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** This instance has created the task. */
  learn(principal: string, taskId: string, instanceId: string): void {
    if (taskId.length > MAX_ID_LENGTH) return
    const homes = this.#byPrincipal.get(principal) ?? new Map<string, Home>()
    touch(this.#byPrincipal, principal, homes, MAX_PRINCIPALS)
    touch(homes, taskId, { instanceId, usedAt: this.#now() }, MAX_PER_PRINCIPAL)
  }

  /** The instance that holds the task; undefined for one that was never learned, or too long ago. */
  find(principal: string, taskId: string): string | undefined {
    const home = this.#byPrincipal.get(principal)?.get(taskId)
    if (!home) return undefined
    if (this.#now() - home.usedAt > FORGET_AFTER_MS) {
      this.#byPrincipal.get(principal)?.delete(taskId)
      return undefined
    }
    this.learn(principal, taskId, home.instanceId)
    return home.instanceId
  }
}

function touch<V>(map: Map<string, V>, key: string, value: V, limit: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= limit) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
