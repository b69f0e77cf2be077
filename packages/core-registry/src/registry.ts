import { delay } from './delay.js'
import { isStale, ValidationError } from './errors.js'
import type { RegistryEvent } from './events.js'
import type { Instance, RegistryState, Template } from './model.js'
import {
  type Plan,
  planDeregister,
  planRegister,
  planResolveUrl,
  planUpdateInstance,
  planUpdateTemplate,
  type Registered,
  requireInstance,
  requireTemplate,
} from './plan.js'
import { type Imported, planImport } from './plan-import.js'
import { planReconcile } from './plan-reconcile.js'
import type { Reconciled } from './reconciled.js'
import { parseInstancePatch, parseRegistration } from './registration.js'
import { parseRegistryFile } from './registry-file.js'
import type {
  ImportOptions,
  ReconcileOptions,
  RegisterOptions,
  RegistryListener,
  RegistryOptions,
} from './registry-options.js'
import { parseSettingsPatch } from './settings.js'
import type { InstanceSpec } from './spec.js'
import { applyChanges, applyOperations, EMPTY_STATE, inStableOrder, touchedTemplates } from './state.js'
import type { ChangeContext, CommitWithin, RegistryDiff, RegistryStore } from './store.js'
import { untrustedRows } from './untrusted.js'

// Each lost race means that another writer got through, so this many in a row is a defect, not bad luck.
const MAX_RACES = 20

/**
 * The truth about templates and instances. Readers take `state`, an immutable snapshot, and never wait.
 * Changes run one after the other; each is committed to the store before it shows, so a failed commit changes nothing.
 * Starts no timer and holds no connection: there is nothing to close, `poll` ends with its signal.
 */
export class Registry {
  readonly #store: RegistryStore
  readonly #onEvent: (event: RegistryEvent) => void
  readonly #now: () => number
  readonly #listeners = new Set<RegistryListener>()
  #state: RegistryState = EMPTY_STATE
  #tail: Promise<unknown> = Promise.resolve()

  constructor(options: RegistryOptions) {
    this.#store = options.store
    this.#onEvent = options.onEvent ?? (() => undefined)
    this.#now = options.now ?? Date.now
  }

  /** What is known now. Immutable: keep the reference as long as you like. */
  get state(): RegistryState {
    return this.#state
  }

  /** Reads everything from the store. Call it once, before the registry is used. */
  async load(): Promise<RegistryState> {
    return this.#serialise(async () => {
      this.#publish(inStableOrder(await this.#store.load()))
      return this.#state
    })
  }

  /** Tells `listener` of every change from now on. Returns what ends that. */
  subscribe(listener: RegistryListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  findTemplate(name: string): Template | undefined {
    return this.#state.templates.get(name)
  }

  findInstance(template: string, id: string): Instance | undefined {
    return this.findTemplate(template)?.instances.find((instance) => instance.id === id)
  }

  /** @throws TemplateNotFoundError */
  requireTemplate(name: string): Template {
    return requireTemplate(this.#state, name)
  }

  /** @throws TemplateNotFoundError, InstanceNotFoundError */
  requireInstance(template: string, id: string): Instance {
    return requireInstance(this.#state, template, id)
  }

  /**
   * Registers an instance from a body of HTTP-API.md. The same id with the same specification changes nothing.
   * @throws ValidationError with every fault; RegistryConflictError when the id is taken
   */
  async register(input: unknown, options: RegisterOptions): Promise<Registered> {
    const wanted = parseRegistration(input)
    const facts = { source: options.source ?? 'api', replace: options.replace ?? false }
    return this.#change(options.by, (state) => planRegister(state, wanted, { ...facts, now: this.#now() }))
  }

  /**
   * Removes an instance, whoever registered it; a source that still names it brings it back at its next snapshot.
   * The template goes with its last instance unless something is set for it.
   * @throws TemplateNotFoundError, InstanceNotFoundError
   */
  async deregister(template: string, id: string, by: ChangeContext): Promise<Instance> {
    return this.#change(by, (state) => planDeregister(state, template, id))
  }

  /**
   * Changes settings of a template from a body in the wire form; `null` resets a setting or a group.
   * @throws ValidationError, TemplateNotFoundError
   */
  async updateTemplate(name: string, patch: unknown, by: ChangeContext): Promise<Template> {
    const parsed = parseSettingsPatch(patch)
    return this.#change(by, (state) => planUpdateTemplate(state, name, parsed))
  }

  /**
   * Overrides `weight` and `state` of an instance, `{ weight: null }` or `{ reset: true }` takes that back.
   * Overrides survive reconciling and reloads.
   * @throws ValidationError, TemplateNotFoundError, InstanceNotFoundError
   */
  async updateInstance(template: string, id: string, patch: unknown, by: ChangeContext): Promise<Instance> {
    const parsed = parseInstancePatch(patch)
    return this.#change(by, (state) => planUpdateInstance(state, template, id, parsed))
  }

  /**
   * Remembers which URL of an instance answered.
   * @throws TemplateNotFoundError, InstanceNotFoundError
   */
  async resolveUrl(template: string, id: string, url: string, by: ChangeContext = GATEWAY): Promise<Instance> {
    return this.#change(by, (state) => planResolveUrl(state, template, id, url))
  }

  /**
   * Makes what `source` holds equal to a whole snapshot. Removes only what the same source once added.
   * An id of another source is reported as a conflict and left alone, except that a `file:` source wins over `api`.
   */
  async reconcile(
    source: string,
    specs: readonly InstanceSpec[],
    by: ChangeContext,
    options: ReconcileOptions = {},
  ): Promise<Reconciled> {
    const snapshot = { source, specs, templates: options.templates }
    const decide = (state: RegistryState) => planReconcile(state, snapshot, this.#now())
    if (options.dryRun === true) return this.#serialise(async () => decide(this.#state).result)
    return this.#change(by, decide)
  }

  /**
   * Takes in a document of any format that {@link parseRegistryFile} reads. It is validated whole, then applied in one
   * transaction; what it does not name stays.
   * @throws ValidationError with every fault; RegistryConflictError; RegistryFileError
   */
  async import(document: unknown, by: ChangeContext, options: ImportOptions = {}): Promise<Imported> {
    const { specs, templates, faults } = parseRegistryFile(document, 'import', { env: options.env ?? {} })
    if (faults.length > 0) throw new ValidationError(faults)
    const facts = { source: options.source ?? 'api', specs, templates }
    const decide = (state: RegistryState) => planImport(state, { ...facts, now: this.#now() })
    if (options.dryRun === true) return this.#serialise(async () => decide(this.#state).result)
    return this.#change(by, decide, options.within)
  }

  /** Takes over what other nodes committed. Resolves to true when there was something. */
  async refresh(): Promise<boolean> {
    return this.#serialise(() => this.#catchUp())
  }

  /**
   * Refreshes at once and then every `intervalMs` until the signal aborts; resolves then.
   * A failed refresh is an event (`refresh-failed`) and is tried again at the next turn.
   * @param options.intervalMs milliseconds, >= 1. @default 1_000
   */
  async poll(options: { signal: AbortSignal; intervalMs?: number | undefined }): Promise<void> {
    const { signal, intervalMs = 1_000 } = options
    if (!(intervalMs >= 1)) throw new RangeError(`core-registry: intervalMs must be at least 1, got ${intervalMs}`)
    while (!signal.aborted) {
      await this.refresh().catch((error: unknown) => this.#emit({ type: 'refresh-failed', error }))
      await delay(intervalMs, signal)
    }
  }

  /** Decides, commits, then shows. When another writer was faster, refreshes and decides again. */
  async #change<R>(
    by: ChangeContext,
    decide: (state: RegistryState) => Plan<R>,
    within: CommitWithin = (_diff, _by, alone) => alone(),
  ): Promise<R> {
    return this.#serialise(async () => {
      for (let race = 1; ; race += 1) {
        const plan = decide(this.#state)
        const version = await this.#commit(plan, race, (diff) => within(diff, by, () => this.#store.commit(diff, by)))
        if (version === undefined) continue
        for (const event of plan.events ?? []) this.#emit(event)
        if (version !== this.#state.version) this.#show(plan, version, by)
        return plan.result
      }
    })
  }

  /** The version after the commit; undefined when the change must be decided anew. */
  async #commit(
    plan: Plan<unknown>,
    race: number,
    write: (diff: RegistryDiff) => Promise<number>,
  ): Promise<number | undefined> {
    const { operations, action } = plan
    const expectedVersion = this.#state.version
    if (operations.length === 0) return expectedVersion
    try {
      return await write({ operations, action, expectedVersion })
    } catch (error) {
      if (!isStale(error) || race === MAX_RACES) throw error
      await this.#catchUp()
      return undefined
    }
  }

  #show(plan: Plan<unknown>, version: number, by: ChangeContext): void {
    this.#publish(applyOperations(this.#state, plan.operations, version))
    const templates = touchedTemplates(plan.operations)
    this.#emit({ type: 'changed', version, action: plan.action, actor: by.actor, templates })
  }

  async #catchUp(): Promise<boolean> {
    const changes = await this.#store.changesSince(this.#state.version)
    if (changes.version === this.#state.version && !changes.full) return false
    this.#publish(applyChanges(this.#state, changes))
    const templates = touchedTemplates(changes.operations)
    this.#emit({ type: 'refreshed', version: changes.version, full: changes.full, templates })
    return true
  }

  #publish(next: RegistryState): void {
    const previous = this.#state
    this.#state = next
    for (const row of untrustedRows(next, previous)) this.#emit({ type: 'untrusted', ...row })
    for (const listener of [...this.#listeners]) this.#tell(listener, previous)
  }

  #tell(listener: RegistryListener, previous: RegistryState): void {
    try {
      listener(this.#state, previous)
    } catch (error) {
      this.#emit({ type: 'listener-failed', error })
    }
  }

  #emit(event: RegistryEvent): void {
    try {
      this.#onEvent(event)
    } catch {
      // The change is committed already; an observer that fails must not make it look as if it were not.
    }
  }

  async #serialise<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(work)
    // The next in line waits for this one and does not share its failure.
    this.#tail = turn.catch(() => undefined)
    return turn
  }
}

const GATEWAY: ChangeContext = { actor: 'gateway' }
