import { createRequire } from 'node:module'

interface Lists {
  readonly dictionary: { readonly 'passwords-common': readonly string[] }
}

let list: ReadonlySet<string> | undefined

/**
 * 49,000 passwords that come up in leaks, in lower case. Few of them are long enough to be set; the others are refused
 * with digits and signs around them. Read when the first password is set: most processes never need it.
 */
export function leakedPasswords(): ReadonlySet<string> {
  list ??= new Set(readList().map((word) => word.toLowerCase()))
  return list
}

function readList(): readonly string[] {
  const { dictionary }: Lists = createRequire(import.meta.url)('@zxcvbn-ts/language-common')
  return dictionary['passwords-common']
}
