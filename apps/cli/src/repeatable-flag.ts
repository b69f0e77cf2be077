import { Flags } from '@oclif/core'

/** A flag that may be given several times, each time with one value. */
export function repeatable(description: string, helpValue: string, helpGroup?: string) {
  return Flags.string({
    description: `${description} (repeatable)`,
    helpValue,
    multiple: true,
    multipleNonGreedy: true,
    ...(helpGroup === undefined ? {} : { helpGroup }),
  })
}
