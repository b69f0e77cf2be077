import { randomBytes } from 'node:crypto'

const MAX_TEXT = 256
const MAX_ACTION = 64
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is made visible
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]/gu

/** JSON without secrets. */
export type AuditDetails = { readonly [name: string]: AuditDetail }
/** One value of {@link AuditDetails}. */
export type AuditDetail = string | number | boolean | null | readonly AuditDetail[] | AuditDetails

/** How it went: `denied` when somebody may not, `failure` when it was tried and did not work. */
export type AuditOutcome = 'success' | 'denied' | 'failure'

/** Who did what, when, from where, and how it went. */
export interface AuditEvent {
  /** Unique; sorts by time. A store that gets the same one twice keeps it once. */
  readonly id: string
  readonly at: Date
  /** Id of the principal. */
  readonly actor: string
  /** `user.create`, `login`, `tools/call`, … */
  readonly action: string
  readonly outcome: AuditOutcome
  /** To what it was done: `user:anna`, `key:…`, a template. */
  readonly target?: string | undefined
  readonly requestId?: string | undefined
  readonly address?: string | undefined
  /** How often, where events were put together. @default 1 */
  readonly count: number
  readonly details: AuditDetails
}

/** What {@link auditEvent} takes. */
export interface AuditFacts extends Partial<Omit<AuditEvent, 'id' | 'at' | 'actor' | 'action'>> {
  readonly at: Date
  readonly actor: string
  readonly action: string
}

/** Makes an event. Texts are shortened and control characters made visible: what callers send lands in logs and terminals. */
export function auditEvent(facts: AuditFacts): AuditEvent {
  return {
    id: auditId(facts.at),
    at: facts.at,
    actor: tidy(facts.actor, MAX_TEXT),
    action: tidy(facts.action, MAX_ACTION),
    outcome: facts.outcome ?? 'success',
    target: optional(facts.target, MAX_TEXT),
    requestId: optional(facts.requestId, MAX_TEXT),
    address: optional(facts.address, MAX_ACTION),
    count: facts.count ?? 1,
    details: facts.details ?? {},
  }
}

// Keeps events of one millisecond in the order in which this process made them.
const COUNTER_DIGITS = 4
const COUNTER_END = 36 ** COUNTER_DIGITS
let counter = 0

/** Milliseconds first, so that ids sort by time; then a count; then chance. */
export function auditId(at: Date): string {
  counter = (counter + 1) % COUNTER_END
  const count = counter.toString(36).padStart(COUNTER_DIGITS, '0')
  return `${auditIdFloor(at)}${count}${randomBytes(12).toString('hex')}`
}

/** Sorts before every id of this moment or later, and after those of earlier ones. */
export function auditIdFloor(at: Date): string {
  return `${at.getTime().toString(36).padStart(9, '0')}-`
}

function optional(text: string | undefined, length: number): string | undefined {
  return text === undefined ? undefined : tidy(text, length)
}

function tidy(text: string, length: number): string {
  return text.slice(0, length).replaceAll(CONTROL, escaped).slice(0, length)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
