import { usageError } from '../errors.js'

/** Reads a number of at least `min`. @throws CliError (usage) */
export function parseNumber(flag: string, text: string, min = 0): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isFinite(value) && value >= min) return value
  throw usageError(`${flag} expects a number of at least ${min}, got ${JSON.stringify(text)}.`)
}
