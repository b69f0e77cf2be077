// Prints the settings table of the README from the table in the sources; run after a build when a setting has changed:
// node tools/settings-table.ts
import { descriptor, envNames, fileKey, flagName } from '../dist/config/names.js'
import { settingNames } from '../dist/config/settings.js'

console.log('| flag | environment | key in the file | value | default | meaning |')
console.log('|---|---|---|---|---|---|')
for (const name of settingNames) {
  const { description, defaultText, parser } = descriptor(name)
  const env = envNames(name).map((variable) => `\`${variable}\``)
  const kind = parser.kind.replaceAll(' | ', ', ')
  console.log(
    `| \`--${flagName(name)}\` | ${env.join(', ')} | \`${fileKey(name)}\` | ${kind} | ${defaultText} | ${description} |`,
  )
}
