import { usageError } from '../errors.js'

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }

/** Reads `30m`, `12h`, `90d`, `2w`; undefined for what is none. Seconds. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text.trim())
  const unit = UNIT_SECONDS[match?.[2] ?? '']
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit
}

/** Reads how long something shall live: `90d`, an instant (ISO 8601), or `never`. Whole seconds from `now`. @throws CliError (usage) */
export function parseLifetime(flag: string, text: string, now: number): number | 'never' {
  if (text === 'never') return 'never'
  const seconds = parseDuration(text) ?? secondsUntil(text, now)
  if (seconds >= 1) return Math.floor(seconds)
  throw usageError(
    `${flag} expects a time to come, like 90d, 12h or 2027-01-31, or never; got ${JSON.stringify(text)}.`,
  )
}

/** Reads a moment in the past: `2h` ago, or an instant (ISO 8601). @throws CliError (usage) */
export function parseSince(flag: string, text: string, now: number): Date {
  const seconds = parseDuration(text)
  const instant = seconds === undefined ? instantOf(text) : now - seconds * 1_000
  if (!Number.isNaN(instant)) return new Date(instant)
  throw usageError(`${flag} expects a time like 2h, 7d or 2026-12-31T08:00, got ${JSON.stringify(text)}.`)
}

function secondsUntil(text: string, now: number): number {
  return (instantOf(text) - now) / 1_000
}

// Date.parse takes nearly anything for a date.
function instantOf(text: string): number {
  return /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
}
