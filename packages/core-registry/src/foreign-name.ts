/** Makes a template's name of a name that another program allowed: `Some Server!` -> `some-server`. */
export function foreignTemplateName(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/_{2,}/g, '_')
    .replace(/^[^a-z0-9]+/, '')
  return plain.slice(0, 32).replace(/[_.-]+$/, '') || 'server'
}
