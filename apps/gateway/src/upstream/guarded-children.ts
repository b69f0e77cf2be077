import type { Instance } from '@mcp-platform/core-registry'
import { type ChildBudget, type ChildRequest, UpstreamSpawnFailedError } from '@mcp-platform/mcp-upstream'

/** Options of {@link GuardedChildren}. */
export interface GuardedChildrenOptions {
  readonly budget: ChildBudget
  readonly find: (template: string, id: string) => Instance | undefined
  /** Says why a child must not be started; undefined when it may. */
  readonly refusal: (instance: Instance) => string | undefined
}

/** Asks before every single start of a child, as the registry is then, and not only when its instance is connected. */
export class GuardedChildren implements ChildBudget {
  readonly #options: GuardedChildrenOptions

  constructor(options: GuardedChildrenOptions) {
    this.#options = options
  }

  /** @throws UpstreamSpawnFailedError when it must not be started; UpstreamBusyError */
  acquire(request: ChildRequest): () => void {
    const { budget, find, refusal } = this.#options
    const slash = request.instance.indexOf('/')
    const instance = find(request.instance.slice(0, slash), request.instance.slice(slash + 1))
    const reason = instance === undefined ? 'the instance is no longer registered' : refusal(instance)
    if (reason !== undefined) throw new UpstreamSpawnFailedError({ reason })
    return budget.acquire(request)
  }
}
