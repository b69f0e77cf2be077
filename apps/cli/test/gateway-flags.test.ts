import { describe, expect, it } from '@jest/globals'
import { mcpp } from './mcpp.js'

describe('the flags of gateway start', () => {
  it('are the settings of the gateway, none more and none less', async () => {
    const { stdout } = await mcpp(['gateway', 'config', '--json'])
    const { settings }: { settings: { flag: string; value: unknown }[] } = JSON.parse(stdout)
    const help = await mcpp(['gateway', 'start', '--help'])
    const group = help.stdout.slice(help.stdout.indexOf('GATEWAY FLAGS'))
    const section = group.split(/\n\n/, 1)[0] ?? ''
    const offered = [...section.matchAll(/^ +--(?:\[no-\])?([a-z][a-z-]*)/gm)].map(([, name]) => `--${name}`)
    const known = [...settings.map(({ flag }) => flag), '--config']
    expect(offered.sort()).toEqual(known.sort())
  })
})
