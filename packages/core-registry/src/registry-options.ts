import type { RegistryEvent } from './events.js'
import type { RegistryState } from './model.js'
import type { DeclaredTemplate } from './reconciled.js'
import type { ChangeContext, CommitWithin, RegistryStore } from './store.js'

/** Options of {@link Registry}. */
export interface RegistryOptions {
  /** Where the registry is kept. */
  readonly store: RegistryStore
  /** Told what happens; synchronous and cheap, must not throw. @default nobody is told */
  readonly onEvent?: ((event: RegistryEvent) => void) | undefined
  /** Milliseconds since 1970; numbers the generations of instances. @default Date.now */
  readonly now?: (() => number) | undefined
}

/** In whose name an instance is registered. */
export interface RegisterOptions {
  /** `api`, `file:<path>`, `docker`, … @default 'api' */
  readonly source?: string | undefined
  readonly by: ChangeContext
  /** Replace what the same source registered under the id with another specification. @default false */
  readonly replace?: boolean | undefined
}

/** How a snapshot is reconciled. */
export interface ReconcileOptions {
  /** Settings that the source declares. Absent: it says nothing about settings. */
  readonly templates?: readonly DeclaredTemplate[] | undefined
  /** Only say what would change. @default false */
  readonly dryRun?: boolean | undefined
}

/** How a document is imported. */
export interface ImportOptions {
  /** @default 'api' */
  readonly source?: string | undefined
  /** Only say what would change. @default false */
  readonly dryRun?: boolean | undefined
  /** What `${VAR}` in an mcp.json stands for. @default nothing is defined */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Writes the import as a part of something larger; not called when there is nothing to write. @default it is written alone */
  readonly within?: CommitWithin | undefined
}

/** Called after each change with the state as it is and as it was. Synchronous; must not throw. */
export type RegistryListener = (state: RegistryState, previous: RegistryState) => void
