import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type TempDir, tempDir, waitFor } from '@mcp-platform/test-kit'
import { problem, type Routes, startFakeGateway } from './fake-gateway.js'
import { mcpp } from './mcpp.js'
import { startOnTerminal, type TerminalSession } from './terminal.js'

let home: TempDir
beforeEach(async () => {
  home = await tempDir()
})
afterEach(() => home.stop())

const routes: Routes = {
  'GET /gateway/templates': { templates: [{ name: 'files' }, { name: 'search' }], count: 2 },
  'GET /gateway/registry': { templates: {}, stats: {} },
  'GET /mcp/files/tools/list': { tools: [{ name: 'read_file' }, { name: 'write_file' }], count: 2 },
  'POST /mcp/files/tools/call': { content: [{ type: 'text', text: 'content of it' }] },
}

function environment(url: string): Record<string, string> {
  return { MCPP_URL: url, MCPP_CONFIG_DIR: home.path, MCPP_STATE_DIR: home.path }
}

function start(url: string, args: readonly string[] = []): TerminalSession {
  return startOnTerminal(['interactive', ...args], environment(url))
}

async function piped(lines: readonly string[], more: Routes = {}) {
  await using gateway = await startFakeGateway({ ...routes, ...more })
  const run = await mcpp(['interactive'], { env: environment(gateway.url), input: `${lines.join('\n')}\n` })
  return { ...run, seen: gateway.seen.map(({ method, url, body }) => ({ line: `${method} ${url}`, body })) }
}

describe('interactive, with lines from a pipe', () => {
  it('runs short and long forms, and puts the template in use where the short one takes it', async () => {
    const call = `call read_file --args '{"path":"a b"}'`
    const { code, stdout, seen } = await piped([
      '# a comment',
      '',
      'tools files',
      'use files',
      call,
      'gateway tools files',
    ])
    expect(code).toBe(0)
    expect(stdout).toContain('content of it')
    expect(seen.map(({ line }) => line)).toEqual([
      'GET /mcp/files/tools/list',
      'GET /gateway/templates',
      'POST /mcp/files/tools/call',
      'GET /mcp/files/tools/list',
    ])
    expect(seen[2]?.body).toEqual({ name: 'read_file', arguments: { path: 'a b' } })
  })

  it('goes on after a command that fails, and ends with what the last one ended with', async () => {
    const refused = { 'GET /auth/me': problem(403, 'FORBIDDEN', 'needs more') }
    const first = await piped(['whoami', 'nonsense', 'call "files', 'list'], refused)
    expect(first.code).toBe(0)
    expect(first.stderr).toContain('Needs more.')
    expect(first.stderr).toContain('There is no command "nonsense".\nTry: help')
    expect(first.stderr).toContain('A " is not closed.')
    expect(first.stdout).toContain('No template yet')
    expect((await piped(['list', 'whoami'], refused)).code).toBe(5)
  })

  it('tells apart gateway config and the configuration of mcpp', async () => {
    const { stdout } = await piped(['config path', 'config --host ::1'])
    expect(stdout).toContain(join(home.path, 'config.json'))
    expect(stdout).toMatch(/^host +::1 +--host$/m)
  })

  it('stops reading at exit, and lists what there is at help', async () => {
    const { stdout, seen } = await piped(['help', 'help call', 'exit', 'list'])
    expect(stdout).toMatch(/^ {2}create-user +Make a user/m)
    expect(stdout).toContain('mcpp gateway call TEMPLATE TOOL')
    expect(seen).toEqual([])
  })
})

describe('interactive, on a terminal', () => {
  it('completes commands, templates in use, tools and flags', async () => {
    await using gateway = await startFakeGateway(routes)
    await using terminal = start(gateway.url)
    const tab = async (typed: string, completed: string): Promise<void> => {
      terminal.type(typed)
      await terminal.shows(typed)
      terminal.type('\t')
      await terminal.shows(completed)
    }
    await terminal.shows('mcpp> ')
    await tab('us', 'e ')
    await tab('fi', 'les ')
    terminal.type('\r')
    await terminal.shows('mcpp files> ')
    await tab('cal', 'l ')
    await tab('rea', 'd_file ')
    await tab('--args={} --tim', 'eout ')
    terminal.type('5\r')
    await terminal.shows('content of it')
    await terminal.answer('mcpp files> ', 'exit')
    expect((await terminal.ended).code).toBe(0)
    expect(gateway.seen.at(-1)?.body).toEqual({ name: 'read_file', arguments: {} })
  })

  it('keeps the login, and asks for the password as a command does', async () => {
    const tokens = { access_token: 'acc3ss', token_type: 'bearer', expires_in: 900, refresh_token: 'r3fresh' }
    await using gateway = await startFakeGateway({ ...routes, 'POST /auth/login': tokens })
    await using terminal = start(gateway.url)
    await terminal.answer('mcpp> ', 'login anna')
    await terminal.answer('Password of anna: ', 'hunter2')
    await terminal.answer('mcpp> ', 'list')
    await terminal.answer('mcpp> ', '\u0004')
    const { code, screen } = await terminal.ended
    expect(code).toBe(0)
    expect(screen).not.toMatch(/hunter2|acc3ss/)
    expect(gateway.seen.at(-1)).toMatchObject({ url: '/gateway/registry', headers: { authorization: 'Bearer acc3ss' } })
  })

  it('drops a line at Ctrl-C, ends a running command with it, and stays', async () => {
    await using gateway = await startFakeGateway({ ...routes, 'GET /mcp/files/prompts/list': () => undefined })
    await using terminal = start(gateway.url)
    await terminal.answer('mcpp> ', 'nonsense\u0003')
    await terminal.answer('mcpp> ', 'prompts files')
    await waitFor(() => gateway.seen.length > 0, { what: 'the command did not run' })
    terminal.type('\u0003')
    await terminal.answer('mcpp> ', 'exit')
    const { code, screen } = await terminal.ended
    expect(code).toBe(0)
    expect(screen).not.toContain('There is no command')
  })

  it('remembers lines for the next time, but none that may hold a secret', async () => {
    await using gateway = await startFakeGateway(routes)
    await using terminal = start(gateway.url)
    await terminal.answer('mcpp> ', 'list')
    await terminal.answer('mcpp> ', 'config set api-key s3cret')
    await terminal.answer('mcpp> ', 'list --api-key=s3cret')
    await terminal.answer('mcpp> ', 'exit')
    await terminal.ended
    const path = join(home.path, 'history')
    expect(await readFile(path, 'utf8')).toBe('list\nexit\n')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await using again = start(gateway.url)
    await again.answer('mcpp> ', '\u001b[A\u001b[A')
    await again.shows('No template yet')
    await again.answer('mcpp> ', 'exit')
    expect((await again.ended).code).toBe(0)
  })
})
