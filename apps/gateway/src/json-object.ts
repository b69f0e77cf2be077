/** What a JSON object is in memory. */
export type JsonObject = Readonly<Record<string, unknown>>

/** True for what a JSON object is read as; not for a list, nor for null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
