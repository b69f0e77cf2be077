/** A JSON object whose members mean nothing to the bridge. */
export type JsonObject = Readonly<Record<string, unknown>>
