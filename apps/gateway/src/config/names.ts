import { SETTINGS, type Setting, type SettingName } from './settings.js'

/** What the environment variables of all settings begin with. */
export const ENV_PREFIX = 'MCP_GATEWAY_'

/** `health-interval` */
export function flagName(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `health_interval` */
export function fileKey(name: SettingName): string {
  return flagName(name).replaceAll('-', '_')
}

/** Keys of the configuration file that set it, the main one first. */
export function fileKeys(name: SettingName): readonly string[] {
  return [fileKey(name), ...alsoOf(name).map((other) => other.toLowerCase())]
}

/** Environment variables that set it, the strongest first. An alias (the seed's name) comes before the plain name. */
export function envNames(name: SettingName): readonly string[] {
  const own = [...alsoOf(name), fileKey(name).toUpperCase()].map((other) => ENV_PREFIX + other)
  return [...own, ...(descriptor(name).foreign ?? [])]
}

/** The setting itself, with its value's type left open. */
export function descriptor(name: SettingName): Setting<unknown> {
  return SETTINGS[name] as Setting<unknown>
}

function alsoOf(name: SettingName): readonly string[] {
  return descriptor(name).also ?? []
}

/** The known name nearest to a wrong one, if any is near enough to be meant (edit distance at most two, or a third). */
export function nearest(wrong: string, known: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(wrong.length / 3))
  const ranked = known
    .map((name) => ({ name, distance: editDistance(wrong, name) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best !== undefined && best.distance <= limit ? best.name : undefined
}

// Levenshtein 1966, one row at a time.
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
