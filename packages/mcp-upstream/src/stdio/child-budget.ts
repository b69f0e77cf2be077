import { UpstreamBusyError } from '../errors.js'

/** Who wants a child. */
export interface ChildRequest {
  /** Authorization context that the child serves; undefined for one that serves all of an instance's callers. */
  readonly context: string | undefined
  /** Names the instance. */
  readonly instance: string
}

/** Bounds how many children run at once, over all connections that share it. */
export interface ChildBudget {
  /**
   * Takes a place for one child; call what it returns once, when the child is gone.
   * @throws UpstreamBusyError if there is no place.
   */
  acquire(request: ChildRequest): () => void
}

/** Bounds of a {@link NodeChildBudget}. */
export interface NodeChildBudgetOptions {
  /** Children on this node. @default 64 */
  readonly perNode?: number | undefined
  /** Children of one principal on one instance. @default 4 */
  readonly perPrincipal?: number | undefined
}

/** From the design: a client with five sessions on ten servers was seen to cost 914 processes without a cap. */
export const DEFAULT_CHILDREN_PER_NODE = 64
export const DEFAULT_CHILDREN_PER_PRINCIPAL = 4

/** The budget of one node. Share one among all connections. */
export class NodeChildBudget implements ChildBudget {
  readonly #perNode: number
  readonly #perPrincipal: number
  readonly #ofPrincipal = new Map<string, number>()
  #running = 0

  constructor(options: NodeChildBudgetOptions = {}) {
    this.#perNode = positiveInteger('perNode', options.perNode ?? DEFAULT_CHILDREN_PER_NODE)
    this.#perPrincipal = positiveInteger('perPrincipal', options.perPrincipal ?? DEFAULT_CHILDREN_PER_PRINCIPAL)
  }

  get running(): number {
    return this.#running
  }

  acquire({ context, instance }: ChildRequest): () => void {
    if (this.#running >= this.#perNode) throw new UpstreamBusyError({ bound: 'children', limit: this.#perNode })
    const key = context === undefined ? undefined : JSON.stringify([instance, context])
    if (key !== undefined) this.#take(key)
    this.#running += 1
    return once(() => {
      this.#running -= 1
      if (key !== undefined) this.#giveBack(key)
    })
  }

  #take(key: string): void {
    const running = this.#ofPrincipal.get(key) ?? 0
    if (running >= this.#perPrincipal) {
      throw new UpstreamBusyError({ bound: 'children_per_principal', limit: this.#perPrincipal })
    }
    this.#ofPrincipal.set(key, running + 1)
  }

  #giveBack(key: string): void {
    const left = (this.#ofPrincipal.get(key) ?? 1) - 1
    if (left === 0) this.#ofPrincipal.delete(key)
    else this.#ofPrincipal.set(key, left)
  }
}

function once(action: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    action()
  }
}

function positiveInteger(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value
  throw new RangeError(`mcp-upstream: ${name} must be an integer >= 1, got ${value}`)
}
