import type { IncomingHttpHeaders } from 'node:http'

/** One request as it arrived. */
export interface SeenRequest {
  /** Counts from 0 over the life of the server. */
  readonly index: number
  readonly httpMethod: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Absent when the body is no JSON-RPC request. */
  readonly rpcMethod?: string | undefined
  readonly rpcId?: string | number | undefined
  /** `params.name` or `params.uri`. */
  readonly target?: string | undefined
}

/** Which executions of tools a server counted. A call's canary is `arguments.canary`, else the tool's name. */
export class ExecutionCount {
  readonly #byKey = new Map<string, number>()

  add(key: string): void {
    this.#byKey.set(key, this.of(key) + 1)
  }

  of(key: string): number {
    return this.#byKey.get(key) ?? 0
  }

  /** Every key with its count. */
  all(): ReadonlyMap<string, number> {
    return new Map(this.#byKey)
  }

  get total(): number {
    let sum = 0
    for (const count of this.#byKey.values()) sum += count
    return sum
  }
}
