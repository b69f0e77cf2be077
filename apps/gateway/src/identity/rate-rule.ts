/** What a limit counts. */
export type RateSubject = 'address' | 'unauthenticated' | 'login' | 'principal' | 'template' | 'tool'

/** One limit as the operator writes it: `tool:files/write_*=10/minute`. */
export interface RateRule {
  readonly subject: RateSubject
  /** Glob of the template, or of `template/tool`. @default all, each counted by itself */
  readonly pattern: string
  readonly limit: number
  readonly periodMs: number
}

const PERIODS: Readonly<Record<string, number>> = {
  s: 1_000,
  second: 1_000,
  m: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
}
const RULE =
  /^(address|unauthenticated|login|principal|template|tool)(?::([A-Za-z0-9._*/-]{1,128}))?=(\d{1,9})\/([a-z]+)$/

/** Reads a limit; undefined for what is none. */
export function parseRateRule(text: string): RateRule | undefined {
  const [, subject, pattern, limit, period] = RULE.exec(text.trim()) ?? []
  const periodMs = period === undefined || !Object.hasOwn(PERIODS, period) ? undefined : PERIODS[period]
  const hasPattern = subject === 'template' || subject === 'tool'
  if (periodMs === undefined || Number(limit) < 1 || (pattern !== undefined && !hasPattern)) return undefined
  return { subject: subject as RateSubject, pattern: pattern ?? '*', limit: Number(limit), periodMs }
}
