import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { everythingStdio, freePort, pidAlive, type TempDir, tempDir, waitFor } from '@mcp-platform/test-kit'
import { mcpp, type Run, type RunningMcpp, startMcpp } from './mcpp.js'

let state: TempDir
beforeEach(async () => {
  state = await tempDir()
})
afterEach(async () => {
  await run(['gateway', 'stop', '--timeout', '5', '--force'])
  await state.stop()
})

function environment(): Record<string, string> {
  return { MCPP_STATE_DIR: state.path, MCPP_CONFIG_DIR: state.path }
}

function run(args: readonly string[]): Promise<Run> {
  return mcpp(args, { env: environment() })
}

async function startHere(args: readonly string[] = []): Promise<RunningMcpp> {
  const running = startMcpp(['gateway', 'start', '--port', '0', ...args], { env: environment() })
  await Promise.race([
    waitFor(() => running.stdout().includes('Authentication is'), {
      what: 'the gateway did not start',
    }),
    running.ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ])
  return running
}

async function takePort(): Promise<AsyncDisposable & { readonly port: string }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: String(typeof address === 'object' && address !== null ? address.port : 0),
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

describe('a gateway in the foreground', () => {
  it('says where things are and what to type, and ends cleanly on SIGTERM', async () => {
    const gateway = await startHere()
    const text = gateway.stdout()
    expect(text).toMatch(/^Gateway +http:\/\/127\.0\.0\.1:\d+$/m)
    expect(text).toMatch(/^Docs +http:\/\/127\.0\.0\.1:\d+\/docs$/m)
    expect(text).toContain('mcpp gateway register')
    expect(text).toContain('every local user may call tools')
    gateway.child.kill('SIGTERM')
    expect((await gateway.ended).code).toBe(0)
    expect((await run(['gateway', 'status', '--url', `http://127.0.0.1:${await freePort()}`])).code).toBe(3)
  })

  it('serves a real MCP server from register to deregister', async () => {
    const gateway = await startHere()
    const { command, args } = everythingStdio()
    const line = [command, ...args].map((word) => JSON.stringify(word)).join(' ')
    const registered = await run(['gateway', 'register', 'every', '--command', line, '--id', 'one', '--wait'])
    expect(registered).toMatchObject({ code: 0, stderr: '' })
    expect((await run(['gateway', 'list', 'every'])).stdout).toMatch(/^one +healthy/m)
    expect((await run(['gateway', 'tools', 'every'])).stdout).toMatch(/^echo +message/m)
    expect((await run(['gateway', 'call', 'every', 'echo', '--arg', 'message=42'])).stdout).toBe('Echo: 42\n')
    const sum = await run(['gateway', 'call', 'every', 'get-sum', '--arg', 'a=2', '--arg', 'b=3', '--json'])
    expect(JSON.parse(sum.stdout).content[0].text).toContain('5')
    expect((await run(['gateway', 'set', 'every', 'strategy=least_connections'])).code).toBe(0)
    expect((await run(['gateway', 'show', 'every'])).stdout).toMatch(/load_balancer\.strategy +least_connections +set/)
    expect((await run(['gateway', 'explain', 'every'])).stdout).toMatch(/^one +yes/m)
    expect((await run(['gateway', 'drain', 'every', 'one'])).stdout).toContain('every/one is draining')
    const held = await run(['gateway', 'call', 'every', 'echo', '--args', '{"message":"x"}'])
    expect(held).toMatchObject({ code: 1, stdout: '' })
    expect(held.stderr).toContain('Try: mcpp gateway explain every')
    expect((await run(['gateway', 'enable', 'every', 'one'])).code).toBe(0)
    expect((await run(['gateway', 'resources', 'every'])).code).toBe(0)
    expect((await run(['gateway', 'prompts', 'every'])).stdout).toContain('simple-prompt')
    expect((await run(['gateway', 'deregister', 'every', 'one'])).code).toBe(0)
    expect((await run(['gateway', 'call', 'nope', 'echo'])).stderr).toContain('Try: mcpp gateway list')
    gateway.child.kill('SIGINT')
    expect((await gateway.ended).code).toBe(0)
  })
})

describe('a gateway that cannot start', () => {
  it('says in one sentence that the port is taken', async () => {
    await using taken = await takePort()
    const { code, stderr } = await run(['gateway', 'start', '--port', taken.port])
    expect(code).toBe(1)
    expect(stderr).toContain(taken.port)
    expect(stderr).toContain('Try: mcpp gateway start --port 0')
  })

  it('shows what its log says when it was to run in the background', async () => {
    await using taken = await takePort()
    const { code, stderr } = await run(['gateway', 'start', '--background', '--port', taken.port])
    expect(code).toBe(1)
    expect(stderr).toContain('The gateway did not start; its log says:')
    expect(stderr).toContain(taken.port)
  })

  it('names every bad setting', async () => {
    const { code, stderr } = await run(['gateway', 'start', '--port', 'abc', '--health-interval', '-1'])
    expect(code).toBe(1)
    expect(stderr).toContain('--port')
    expect(stderr).toContain('--health-interval')
  })
})

describe('a gateway in the background', () => {
  it('starts, is found, refuses a second one, restarts as it was and stops', async () => {
    const started = await run(['gateway', 'start', '--background', '--port', '0', '--strategy', 'random', '--json'])
    expect(started).toMatchObject({ code: 0, stderr: '' })
    const { pid, url } = JSON.parse(started.stdout)
    expect(await pidAlive(pid)).toBe(true)
    expect((await run(['gateway', 'status'])).stdout).toContain(url)

    const second = await run(['gateway', 'start', '--background', '--port', '0'])
    expect(second.code).toBe(1)
    expect(second.stderr).toContain(`A gateway (process ${pid}) already runs at ${url}`)

    const restarted = await run(['gateway', 'restart', '--json'])
    expect(restarted.code).toBe(0)
    expect(JSON.parse(restarted.stdout).pid).not.toBe(pid)
    expect(JSON.parse((await run(['gateway', 'list', '--json'])).stdout).templates).toEqual({})
    expect(JSON.parse(await readFile(join(state.path, 'launch.json'), 'utf8')).args).toContain('random')

    const stopped = await run(['gateway', 'stop'])
    expect(stopped).toMatchObject({ code: 0, stderr: '' })
    expect(await run(['gateway', 'stop'])).toMatchObject({ code: 3, stdout: '' })
  })

  it('shows its log and follows it', async () => {
    await run(['gateway', 'start', '--background', '--port', '0', '--log-format', 'json'])
    expect((await run(['gateway', 'logs', '-n', '1000'])).stdout).toContain('gateway is ready')
    const following = startMcpp(['gateway', 'logs', '-f', '-n', '1'], { env: environment() })
    await waitFor(() => following.stdout() !== '', { what: 'the log is not followed' })
    await run(['gateway', 'stop'])
    const stopped = (): boolean => following.stdout().includes('gateway has stopped')
    await waitFor(stopped, { what: 'the log did not grow' })
    following.child.kill('SIGINT')
    expect((await following.ended).code).toBe(0)
  })
})

describe('a state file that is left of a dead gateway', () => {
  it('never makes stop signal a stranger', async () => {
    const started = new Date(Date.now() - 3_600_000).toISOString()
    // This test's own process: alive, but started later than that gateway.
    const left = { url: `http://127.0.0.1:${await freePort()}`, pid: process.pid, version: '1', started_at: started }
    await writeFile(join(state.path, 'gateway.json'), JSON.stringify(left))
    expect(await run(['gateway', 'stop'])).toMatchObject({ code: 3 })
  })
})

describe('gateway logs', () => {
  it('says that there is none', async () => {
    const { code, stderr } = await run(['gateway', 'logs'])
    expect(code).toBe(1)
    expect(stderr).toContain('only a gateway started with --background writes one')
  })
})

describe('gateway config', () => {
  it('says what holds and where it came from', async () => {
    const file = join(state.path, 'gateway.yaml')
    const issuers = 'token_issuers: [{ issuer: https://idp.example, default_role: user }]'
    await writeFile(file, `max_retries: 5\nport: 1\npublic_url: https://mcp.example.com\n${issuers}\n`)
    const env = { ...environment(), MCP_GATEWAY_STRATEGY: 'random' }
    const { stdout, code } = await mcpp(['gateway', 'config', '--config', file, '--port', '9'], { env })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^port +9 +--port$/m)
    expect(stdout).toMatch(/^strategy +random +MCP_GATEWAY_STRATEGY$/m)
    expect(stdout).toMatch(/^max_retries +5 +max_retries in /m)
    expect(stdout).toMatch(
      /^token_issuer +\{"issuer":"https:\/\/idp.example","default_role":"user"\} +token_issuers in /m,
    )
    expect(stdout).toMatch(/^host +127\.0\.0\.1 +default$/m)
  })
})
