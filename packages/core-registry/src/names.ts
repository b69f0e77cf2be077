// `__` and a trailing `_` are kept out so that `{template}__{tool}` can be split one way only.
const TEMPLATE_NAME = /^[a-z0-9](?:[a-z0-9.-]|_(?!_)){0,31}$/
const INSTANCE_ID = /^[A-Za-z0-9._-]{1,128}$/
const REGION = /^[A-Za-z0-9._-]{1,64}$/
const PROFILE = /^[A-Za-z0-9._-]{1,64}$/
const MAX_ALIAS = 16

/** Says what is wrong with a template's name; undefined when it is right. */
export function templateNameFault(name: string): string | undefined {
  if (TEMPLATE_NAME.test(name) && !name.endsWith('_') && !name.includes('..')) return undefined
  return `must be 1 to 32 of a-z, 0-9, ".", "-", "_", begin with a letter or digit, not end in "_", and hold neither "__" nor ".."; got ${quoted(name)}`
}

/** Says what is wrong with a template's alias; undefined when it is right. */
export function aliasFault(alias: string): string | undefined {
  if (alias.length > MAX_ALIAS) return `must have at most ${MAX_ALIAS} characters, got ${alias.length}`
  return templateNameFault(alias)
}

/** Says what is wrong with an instance's id; undefined when it is right. */
export function instanceIdFault(id: string): string | undefined {
  // "." and ".." would be resolved away in a URL path.
  if (INSTANCE_ID.test(id) && id !== '.' && id !== '..') return undefined
  return `must be 1 to 128 of A-Z, a-z, 0-9, ".", "-", "_" (not "." or ".."); got ${quoted(id)}`
}

/** Says what is wrong with a region's name; undefined when it is right. */
export function regionFault(region: string): string | undefined {
  if (REGION.test(region)) return undefined
  return `must be 1 to 64 of A-Z, a-z, 0-9, ".", "-", "_"; got ${quoted(region)}`
}

/** Says what is wrong with the name of a launch profile; undefined when it is right. */
export function profileNameFault(name: string): string | undefined {
  if (PROFILE.test(name)) return undefined
  return `must be 1 to 64 of A-Z, a-z, 0-9, ".", "-", "_"; got ${quoted(name)}`
}

/** Orders names as people do: `fs-2` before `fs-10`. The same on every node. */
export function compareNames(a: string, b: string): number {
  return natural.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0)
}

const natural = new Intl.Collator('en', { numeric: true })

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
