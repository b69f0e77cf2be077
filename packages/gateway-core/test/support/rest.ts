/** One REST answer, read whole. */
export interface RestAnswer {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
  readonly text: string
  readonly headers: Headers
}

/** A GET, or a POST when there is a body. */
export async function rest(
  base: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<RestAnswer> {
  const init: RequestInit =
    body === undefined
      ? { headers }
      : {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        }
  const response = await fetch(`${base}${path}`, init)
  const text = await response.text()
  const json: unknown = text.startsWith('{') ? JSON.parse(text) : {}
  return { status: response.status, json: asRecord(json), text, headers: response.headers }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
