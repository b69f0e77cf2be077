import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type TempDir, tempDir } from '@mcp-platform/test-kit'
import { problem, startFakeGateway } from './fake-gateway.js'
import { startOnTerminal, type TerminalSession } from './terminal.js'

let home: TempDir
beforeEach(async () => {
  home = await tempDir()
})
afterEach(() => home.stop())

function start(url: string, args: readonly string[]): TerminalSession {
  return startOnTerminal(args, { MCPP_URL: url, MCPP_CONFIG_DIR: home.path, MCPP_STATE_DIR: home.path })
}

const tokens = { access_token: 'a', token_type: 'bearer', expires_in: 900, refresh_token: 'r' }

describe('on a terminal', () => {
  it('login asks for the password and does not show it', async () => {
    await using gateway = await startFakeGateway({ 'POST /auth/login': tokens })
    await using terminal = start(gateway.url, ['gateway', 'login', 'anna'])
    await terminal.answer('Password of anna: ', 'hunter2 and more')
    const { code, screen } = await terminal.ended
    expect(code).toBe(0)
    expect(screen).toContain('Logged in as anna')
    expect(screen).not.toContain('hunter2')
    expect(gateway.seen[0]?.body).toEqual({ username: 'anna', password: 'hunter2 and more' })
  })

  it('create-user asks for a new password until both answers are the same', async () => {
    const user = { name: 'bob', role: 'admin', scopes: [] }
    await using gateway = await startFakeGateway({ 'POST /auth/users': user })
    await using terminal = start(gateway.url, ['gateway', 'create-user', 'bob', '--role', 'admin'])
    await terminal.answer('Password for bob: ', 'one thing')
    await terminal.answer('again: ', 'another')
    await terminal.answer('Password for bob: ', 'one thing')
    await terminal.answer('again: ', 'one thing')
    const { code, screen } = await terminal.ended
    expect(code).toBe(0)
    expect(screen).not.toMatch(/one thing|another/)
    expect(gateway.seen.map(({ body }) => body)).toEqual([{ name: 'bob', password: 'one thing', role: 'admin' }])
  })

  it('delete-user asks first, and anything but yes is no', async () => {
    await using gateway = await startFakeGateway({ 'DELETE /auth/users/bob': problem(500, 'INTERNAL', 'called') })
    await using terminal = start(gateway.url, ['gateway', 'delete-user', 'bob'])
    await terminal.answer('[y/N] ', '')
    const { code, screen } = await terminal.ended
    expect({ code, seen: gateway.seen }).toEqual({ code: 0, seen: [] })
    expect(screen).toContain('Nothing was done.')
    await using sure = start(gateway.url, ['gateway', 'delete-user', 'bob'])
    await sure.answer('[y/N] ', 'y')
    expect((await sure.ended).code).toBe(1)
    expect(gateway.seen).toHaveLength(1)
  })

  it('Ctrl-C at a question ends the command, and nothing is sent', async () => {
    await using gateway = await startFakeGateway({ 'POST /auth/login': tokens })
    await using terminal = start(gateway.url, ['gateway', 'login', 'anna'])
    await terminal.answer('Password of anna: ', '\u0003')
    const { code, screen } = await terminal.ended
    expect({ code, seen: gateway.seen }).toEqual({ code: 1, seen: [] })
    expect(screen).toContain('the question was not answered')
  })
})
