import type { SyncResult, SyncSource } from '@mcp-platform/contract'
import type { ChangeContext, InstanceRef, Reconciled, Registry, RegistryFile } from '@mcp-platform/core-registry'
import { fileSource, readRegistryFile, watchRegistryFile } from '@mcp-platform/core-registry/node'
import { reasonOf } from '../errors.js'
import { parserOf } from './registry-file-format.js'

/** What {@link RegistrySync} tells its observer. */
export type SyncEvent =
  | {
      readonly type: 'synced'
      readonly source: string
      readonly added: number
      readonly changed: number
      readonly removed: number
    }
  | { readonly type: 'entry-refused'; readonly source: string; readonly path: string; readonly message: string }
  | { readonly type: 'source-failed'; readonly source: string; readonly error: unknown }

/** Options of {@link RegistrySync}. */
export interface RegistrySyncOptions {
  readonly registry: Registry
  /** Registry file; absent: there are no sources. */
  readonly file?: string | undefined
  /** What `${VAR}` in an mcp.json stands for. */
  readonly env: NodeJS.ProcessEnv
  readonly onEvent: (event: SyncEvent) => void
}

/** Keeps the registry equal to its sources: once on demand, and whenever one of them changes. */
export class RegistrySync {
  readonly #options: RegistrySyncOptions
  readonly #stop = new AbortController()
  #last: SyncSource | undefined

  constructor(options: RegistrySyncOptions) {
    this.#options = options
  }

  /** Reads the file and follows it from now on. A bad file is reported, not thrown: what the registry holds goes on. */
  async start(): Promise<void> {
    const { file, env } = this.#options
    if (file === undefined) return
    await watchRegistryFile(file, {
      env,
      parse: parserOf(file),
      signal: this.#stop.signal,
      onChange: async (content) => void (await this.#apply(file, content, { actor: fileSource(file) }, false)),
      onError: (error) => this.#failed(fileSource(file), error),
    })
  }

  /** Reads every source now. With `dryRun` nothing is changed. */
  async now(by: ChangeContext, options: { readonly dryRun: boolean }): Promise<SyncResult> {
    const { file, env } = this.#options
    if (file === undefined) return { added: [], changed: [], removed: [], sources: [] }
    try {
      const content = await readRegistryFile(file, { env, parse: parserOf(file) })
      const { reconciled, source } = await this.#apply(file, content, by, options.dryRun)
      return { ...wireOf(reconciled), sources: [source] }
    } catch (error) {
      const source = this.#failed(fileSource(file), error)
      return { added: [], changed: [], removed: [], sources: [source] }
    }
  }

  /** How the last reading of each source went. */
  sources(): readonly SyncSource[] {
    return this.#last === undefined ? [] : [this.#last]
  }

  /** True for a source that is read again: what it says comes back. */
  reads(source: string): boolean {
    const { file } = this.#options
    return file !== undefined && fileSource(file) === source
  }

  close(): void {
    this.#stop.abort()
  }

  async #apply(
    file: string,
    content: RegistryFile,
    by: ChangeContext,
    dryRun: boolean,
  ): Promise<{ reconciled: Reconciled; source: SyncSource }> {
    const name = fileSource(file)
    const { specs, templates, faults } = content
    const reconciled = await this.#options.registry.reconcile(name, specs, by, { templates, dryRun })
    const conflicts = reconciled.conflicts.map(({ template, id, message }) => ({
      path: id === undefined ? template : `${template}/${id}`,
      message,
    }))
    const source = { source: name, ok: true, instances: specs.length, errors: [...faults, ...conflicts] }
    if (!dryRun) this.#report(source, reconciled)
    return { reconciled, source }
  }

  #report(source: SyncSource, { added, changed, removed }: Reconciled): void {
    const { onEvent } = this.#options
    this.#last = source
    onEvent({
      type: 'synced',
      source: source.source,
      added: added.length,
      changed: changed.length,
      removed: removed.length,
    })
    for (const { path, message } of source.errors)
      onEvent({ type: 'entry-refused', source: source.source, path, message })
  }

  #failed(source: string, error: unknown): SyncSource {
    const failed = {
      source,
      ok: false,
      instances: this.#last?.instances ?? 0,
      errors: [{ path: '', message: reasonOf(error) }],
    }
    this.#last = failed
    this.#options.onEvent({ type: 'source-failed', source, error })
    return failed
  }
}

function wireOf({ added, changed, removed }: Reconciled): Pick<SyncResult, 'added' | 'changed' | 'removed'> {
  return { added: added.map(nameOf), changed: changed.map(nameOf), removed: removed.map(nameOf) }
}

/** Names an instance on the wire. */
export function nameOf({ template, id }: InstanceRef): { template_name: string; instance_id: string } {
  return { template_name: template, instance_id: id }
}
