import { aliasClash, Draft } from './draft.js'
import type { RegistryEvent } from './events.js'
import { nextFreeId } from './ids.js'
import type { Instance, PartialTemplateSettings, RegistryState } from './model.js'
import { templateNameFault } from './names.js'
import type { Plan } from './plan.js'
import type { DeclaredTemplate, InstanceRef, ReconcileConflict, Reconciled } from './reconciled.js'
import { type InstanceSpec, matchesSpec, sameAttachment, specFaults, toInstance } from './spec.js'

/** A whole snapshot of one source. */
export interface Snapshot {
  readonly source: string
  readonly specs: readonly InstanceSpec[]
  /** Absent: the source says nothing about settings, and what it declared before stays. */
  readonly templates?: readonly DeclaredTemplate[] | undefined
}

/**
 * Compares a snapshot with what the same source holds and decides what to add, change and remove.
 * Removes only what this source once added. An id of another source is a conflict, but for one: a file wins over the API.
 */
export function planReconcile(state: RegistryState, snapshot: Snapshot, now: number): Plan<Reconciled> {
  return new Reconciliation(state, snapshot, now).plan()
}

class Reconciliation {
  readonly #draft: Draft
  readonly #before: RegistryState
  readonly #snapshot: Snapshot
  readonly #now: number
  readonly #added: InstanceRef[] = []
  readonly #changed: InstanceRef[] = []
  readonly #removed: InstanceRef[] = []
  readonly #templates = new Set<string>()
  readonly #conflicts: ReconcileConflict[] = []
  readonly #events: RegistryEvent[] = []
  readonly #claimed = new Set<string>()

  constructor(state: RegistryState, snapshot: Snapshot, now: number) {
    this.#before = state
    this.#draft = new Draft(state)
    this.#snapshot = snapshot
    this.#now = now
  }

  plan(): Plan<Reconciled> {
    const specs = this.#snapshot.specs.filter((spec) => this.#isValid(spec))
    if (this.#snapshot.templates !== undefined) this.#declare(this.#snapshot.templates)
    const named = specs.filter((spec) => spec.id !== undefined && this.#claim(spec.template, spec.id))
    const anonymous = specs.filter((spec) => spec.id === undefined)
    for (const spec of named) if (spec.id !== undefined) this.#put(spec, spec.id)
    for (const [spec, id] of this.#identify(anonymous)) this.#put(spec, id)
    this.#removeRest()
    this.#draft.prune([...this.#before.templates.keys()])
    return {
      action: 'registry.reconcile',
      operations: this.#draft.operations,
      result: this.#result(),
      events: this.#events,
    }
  }

  #result(): Reconciled {
    return {
      added: this.#added,
      changed: this.#changed,
      removed: this.#removed,
      templates: [...this.#templates],
      conflicts: this.#conflicts,
    }
  }

  #isValid(spec: InstanceSpec): boolean {
    const faults = specFaults(spec)
    if (faults.length === 0) return true
    const message = faults.map((fault) => `${fault.path}: ${fault.message}`).join('; ')
    this.#conflict({ template: spec.template, id: spec.id, reason: 'invalid', message })
    return false
  }

  #claim(template: string, id: string): boolean {
    const key = keyOf(template, id)
    if (this.#claimed.has(key)) {
      this.#conflict({ template, id, reason: 'duplicate', message: 'the id occurs twice in the snapshot' })
      return false
    }
    this.#claimed.add(key)
    return true
  }

  /**
   * Entries without an id: first those that an instance matches whole, then those that one shares the attachment with,
   * then new ones. In this order, because two entries may have one URL: each must find itself again the next time.
   */
  #identify(specs: readonly InstanceSpec[]): [InstanceSpec, string][] {
    const same = specs.map((spec) => this.#recognise(spec, matchesSpec))
    const known = specs.map((spec, index) => same[index] ?? this.#recognise(spec, sameAttachment))
    return specs.map((spec, index) => [spec, known[index] ?? this.#newId(spec.template)])
  }

  #recognise(spec: InstanceSpec, matches: (instance: Instance, spec: InstanceSpec) => boolean): string | undefined {
    const { instances = [] } = this.#before.templates.get(spec.template) ?? {}
    const known = instances.find((instance) => this.#isFree(instance) && matches(instance, spec))
    if (known !== undefined) this.#claimed.add(keyOf(known.template, known.id))
    return known?.id
  }

  #isFree(instance: Instance): boolean {
    const mine = instance.source === this.#snapshot.source
    return mine && !this.#claimed.has(keyOf(instance.template, instance.id))
  }

  #newId(template: string): string {
    const taken = (id: string): boolean => {
      const owner = this.#draft.instance(template, id)?.source
      return this.#claimed.has(keyOf(template, id)) || (owner !== undefined && owner !== this.#snapshot.source)
    }
    const id = nextFreeId(template, taken)
    this.#claimed.add(keyOf(template, id))
    return id
  }

  #put(spec: InstanceSpec, id: string): void {
    const { source } = this.#snapshot
    const previous = this.#draft.instance(spec.template, id)
    if (previous !== undefined && previous.source !== source && !this.#mayTakeOver(previous)) return
    if (previous !== undefined && previous.source === source && matchesSpec(previous, spec)) return
    this.#draft.putInstance(toInstance(spec, { id, source, previous, now: this.#now }))
    const list = previous === undefined ? this.#added : this.#changed
    list.push({ template: spec.template, id })
  }

  #mayTakeOver(previous: Instance): boolean {
    const { source } = this.#snapshot
    const { template, id, source: owner } = previous
    if (owner === 'api' && source.startsWith('file:')) {
      this.#events.push({ type: 'takeover', source, template, instanceId: id, previousSource: owner })
      return true
    }
    this.#conflict({ template, id, reason: 'other-source', owner, message: `the id belongs to the source ${owner}` })
    return false
  }

  #removeRest(): void {
    for (const template of this.#before.templates.values()) {
      for (const { id, source } of template.instances) {
        if (source !== this.#snapshot.source || this.#claimed.has(keyOf(template.name, id))) continue
        this.#draft.deleteInstance(template.name, id)
        this.#removed.push({ template: template.name, id })
      }
    }
  }

  #declare(declared: readonly DeclaredTemplate[]): void {
    const wanted = new Map(declared.map((template) => [template.name, template.settings]))
    for (const template of this.#before.templates.values()) {
      if (template.declared?.source !== this.#snapshot.source || wanted.has(template.name)) continue
      this.#draft.putTemplate(template.name, { override: template.override })
      this.#templates.add(template.name)
    }
    for (const [name, settings] of wanted) this.#declareOne(name, settings)
  }

  #declareOne(name: string, settings: PartialTemplateSettings): void {
    const refusal = this.#refusal(name)
    if (refusal !== undefined) this.#conflict(refusal)
    else this.#declareAllowed(name, settings)
  }

  #refusal(name: string): ReconcileConflict | undefined {
    const invalid = templateNameFault(name)
    if (invalid !== undefined) return { template: name, reason: 'invalid', message: invalid }
    const owner = this.#draft.template(name)?.declared?.source
    if (owner === undefined || owner === this.#snapshot.source) return undefined
    const message = `the settings are declared by the source ${owner}`
    return { template: name, reason: 'other-source', owner, message }
  }

  #declareAllowed(name: string, settings: PartialTemplateSettings): void {
    const before = this.#draft.operations.length
    const declared = { source: this.#snapshot.source, settings: this.#withoutTakenAlias(name, settings) }
    this.#draft.putTemplate(name, { declared, override: this.#draft.template(name)?.override })
    if (this.#draft.operations.length > before) this.#templates.add(name)
  }

  #withoutTakenAlias(name: string, settings: PartialTemplateSettings): PartialTemplateSettings {
    const trial = new Draft(this.#draft.state)
    trial.putTemplate(name, { declared: { source: this.#snapshot.source, settings } })
    const message = aliasClash(trial.state)
    if (message === undefined) return settings
    this.#conflict({ template: name, reason: 'alias', message })
    const { alias: _, ...rest } = settings
    return rest
  }

  #conflict(conflict: ReconcileConflict): void {
    this.#conflicts.push(conflict)
    this.#events.push({ type: 'conflict', source: this.#snapshot.source, conflict })
  }
}

function keyOf(template: string, id: string): string {
  return `${template}/${id}`
}
