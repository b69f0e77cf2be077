import { printable } from './printable.js'

/** What to say of templates whose instances offer different tools. */
export function differingText(templates: readonly string[]): string {
  const names = printable(templates.join(', '))
  return `The instances of ${names} offer different tools: a call goes only to those that list its tool, and is repeated elsewhere
only where settings say so. Bring them to the same version.`
}
