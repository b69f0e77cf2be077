import type { ReconcileConflict } from './reconciled.js'
import type { UntrustedRow } from './untrusted.js'

/** What a {@link Registry} tells its observer. Synchronous; holds no secret. */
export type RegistryEvent =
  | {
      readonly type: 'changed'
      readonly version: number
      readonly action: string
      readonly actor: string
      readonly templates: readonly string[]
    }
  | {
      readonly type: 'refreshed'
      readonly version: number
      readonly full: boolean
      readonly templates: readonly string[]
    }
  | { readonly type: 'refresh-failed'; readonly error: unknown }
  | { readonly type: 'conflict'; readonly source: string; readonly conflict: ReconcileConflict }
  | {
      /** A file names an id that came in over the API: the file wins. */
      readonly type: 'takeover'
      readonly source: string
      readonly template: string
      readonly instanceId: string
      readonly previousSource: string
    }
  | ({
      /** An alarm: somebody else than a gateway has written to the store. */
      readonly type: 'untrusted'
    } & UntrustedRow)
  | { readonly type: 'listener-failed'; readonly error: unknown }
