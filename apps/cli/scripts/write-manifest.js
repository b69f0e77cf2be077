// Writes oclif.manifest.json, from which the installed program knows its commands without loading each of them. Only for
// the package (prepack): a stale one hides new commands, so it is not committed. The `oclif` tool that usually writes it
// brings the AWS SDK along.
import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Config } from '@oclif/core'

const root = fileURLToPath(new URL('..', import.meta.url))
const file = new URL('../oclif.manifest.json', import.meta.url)
// An old one would be read instead of the commands.
rmSync(file, { force: true })
const { name, plugins } = await Config.load(root)
const plugin = plugins.get(name)
if (plugin === undefined) throw new Error(`oclif does not know the plugin ${name}`)
writeFileSync(file, `${JSON.stringify(plugin.manifest, null, 2)}\n`)
