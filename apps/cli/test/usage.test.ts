import { readFile } from 'node:fs/promises'
import { describe, expect, it } from '@jest/globals'
import { mcpp, startMcpp } from './mcpp.js'

describe('mcpp', () => {
  it('prints its version, and nothing else', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
    expect(await mcpp(['--version'])).toEqual({ code: 0, stdout: `mcpp ${version}\n`, stderr: '' })
  })

  it.each([
    [['gateway', 'call'], 'Missing 2 required args'],
    [['gateway', 'list', '--nonsense'], 'Nonexistent flag'],
    [['gateway', 'register', 't'], 'Give one of --endpoint URL, --command'],
    [['gateway', 'register', 't', '--endpoint', 'http://h', '--command', 'c'], 'Give one of --endpoint URL, --command'],
    [['gateway', 'register', 't', '--endpoint', 'http://h', '--weight', 'heavy'], '--weight expects a number'],
    [['gateway', 'register', 't', '--endpoint', 'http://h', '--header', 'oops'], '--header expects KEY=VALUE'],
    [['gateway', 'register', 't', '--endpoint', 'http://h', '--metadata', '[1]'], 'JSON object'],
    [['gateway', 'deregister', 't'], '--all'],
    [['gateway', 'set', 't'], 'KEY=VALUE'],
    [['gateway', 'set', 't', 'i', 'weight=3'], 'Try: mcpp gateway set t --instance i weight=3\n'],
    [['gateway', 'set', 't', 'weight=3'], 'Try: mcpp gateway set t --instance ID weight=3\n'],
    [['gateway', 'set', 't', 'strategy'], 'Expected KEY=VALUE, got "strategy".'],
    [['gateway', 'start', '--port'], 'Flag --port expects a value.\nTry: mcpp gateway start --help\n'],
    [['gateway', 'list', '--url', 'nowhere'], '--url must be a URL'],
    [['gateway', 'list', '--api-key', 'a', '--token', 'b'], 'Two credentials'],
    [['gateway', 'client-config', '--for', 'netscape'], 'Expected --for'],
  ])('ends with 2 for wrong usage: %j', async (args, text) => {
    const { code, stderr, stdout } = await mcpp(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(text)
  })

  it.each([[['gateway', 'show']], [['gateway', 'deregister']], [['gateway', 'db', 'restore']]])(
    'takes no missing name from what is piped in: %j',
    async (args) => {
      const { code, stderr } = await mcpp(args, { input: 'files\n' })
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('Missing 1 required arg') })
    },
  )

  it('says wrong usage as it says every other error: a sentence, facts, the next command', async () => {
    const { stderr } = await mcpp(['gateway', 'show'])
    expect(stderr).toBe(
      'Error: Missing 1 required arg:\n  template  name of the template\nTry: mcpp gateway show --help\n',
    )
    const { code, stderr: json } = await mcpp(['gateway', 'show', '--json'])
    expect({ code, error: JSON.parse(json).error }).toMatchObject({
      code: 2,
      error: { code: 'CLI_USAGE', exit_code: 2, next: 'mcpp gateway show --help' },
    })
  })

  it('guesses the command that was meant', async () => {
    const { code, stderr } = await mcpp(['gateway', 'lst'])
    expect(code).toBe(2)
    expect(stderr).toBe('Error: There is no command "gateway lst".\nTry: mcpp gateway list\n')
  })

  it('ends well when the reader has enough, as head has', async () => {
    const { child, ended } = startMcpp(['gateway', 'call', '--help'])
    child.stdout?.destroy()
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('leads from help to the flag', async () => {
    const { code, stderr } = await mcpp(['help', 'gateway', 'call'])
    expect(code).toBe(2)
    expect(stderr).toBe('Error: There is no command "help gateway call".\nTry: mcpp gateway call --help\n')
  })

  it('says the only fault without a heading', async () => {
    const { stderr } = await mcpp(['gateway', 'call', 't', 'x', '--args', '{}', '--arg', 'a=1'])
    expect(stderr).toMatch(/^Error: --arg.* cannot also be provided when using --arg/)
  })

  it('never repeats a secret that it refuses', async () => {
    const { stderr } = await mcpp(['gateway', 'register', 't', '--endpoint', 'http://h', '--env', 'hunter2'])
    expect(stderr).not.toContain('hunter2')
  })
})
