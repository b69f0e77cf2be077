import { createHash } from 'node:crypto'

/** Between the template and the name; no template's name may contain it, so the first one is the border. */
const SEPARATOR = '__'
/** Some clients take no longer names. */
const MAX_NAME = 64
const HASH_CHARS = 8

/** How a template is called in names: clients take no dots there. */
export function aliasOf(template: string): string {
  return template.replaceAll('.', '-')
}

/**
 * The name that the aggregate shows for a tool or prompt: `{alias}__{name}`. One that is longer than 64 characters is cut
 * and ends in a hash of the whole, so that it stays the same for as long as the tool is called the same.
 */
export function exposedName(alias: string, name: string): string {
  const whole = `${alias}${SEPARATOR}${name}`
  if (whole.length <= MAX_NAME) return whole
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, HASH_CHARS)
  return `${whole.slice(0, MAX_NAME - HASH_CHARS - 1)}_${hash}`
}

/** Takes an exposed name apart; `isCut`: the rest may be a cut name that only the template's list can complete. */
export function splitName(exposed: string): { alias: string; rest: string; isCut: boolean } | undefined {
  const at = exposed.indexOf(SEPARATOR)
  if (at <= 0) return undefined
  const rest = exposed.slice(at + SEPARATOR.length)
  return { alias: exposed.slice(0, at), rest, isCut: exposed.length === MAX_NAME }
}
