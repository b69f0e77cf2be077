import type { IssuedApiKeyView } from '@mcp-platform/contract'

/** What is printed of a key that was made or rotated: its text on a line of its own, and that it is shown once. */
export function issuedKeyText({ api_key: text, key }: IssuedApiKeyView): string {
  const expires = key.expires_at === null ? 'never expires' : `expires ${key.expires_at}`
  const overlap = key.overlap_until === null ? [] : [`The key before holds until ${key.overlap_until}.`]
  return [
    `API key ${key.name} (${key.id}), ${expires}:`,
    '',
    text,
    '',
    'This is the only time that it is shown: store it now.',
    ...overlap,
    'Use it as "X-API-Key: …" or "Authorization: Bearer …"; with mcpp: mcpp config set api-key -',
  ].join('\n')
}
