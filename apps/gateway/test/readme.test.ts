import { readFile } from 'node:fs/promises'
import { describe, expect, it } from '@jest/globals'
import { descriptor, envNames, fileKey, flagName } from '../src/config/names.js'
import { settingNames } from '../src/config/settings.js'

/** The rows of the settings table as the README must have them. */
function rows(): string[] {
  return settingNames.map((name) => {
    const { description, defaultText, parser } = descriptor(name)
    const kind = parser.kind.replaceAll(' | ', ', ')
    const env = envNames(name)
      .map((variable) => `\`${variable}\``)
      .join(', ')
    return `| \`--${flagName(name)}\` | ${env} | \`${fileKey(name)}\` | ${kind} | ${defaultText} | ${description} |`
  })
}

describe('the README', () => {
  it('lists every setting as the gateway has it', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    const listed = readme
      .split('\n')
      .filter((line) => line.startsWith('| `--'))
      .map((line) => line.replace(/ {2,}/g, ' '))
    expect(listed).toEqual(rows())
  })
})
