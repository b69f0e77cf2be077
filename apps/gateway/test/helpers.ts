import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterAll } from '@jest/globals'
import { tempDir } from '@mcp-platform/test-kit'
import { type StartedGateway, type StartOptions, startGateway } from '../src/index.js'

/** An answer that was read whole. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into JSON of any shape
  readonly json: any
}

/** A gateway with a state folder of its own, and how to talk to it. */
export interface TestGateway extends StartedGateway {
  readonly adminToken: string
  readonly logs: readonly string[]
  /** Sends a request with the local admin token. */
  admin(method: string, path: string, body?: unknown): Promise<Answer>
  /** Sends a request without any credential. */
  get(path: string, headers?: Record<string, string>): Promise<Answer>
}

const running = new Set<StartedGateway>()

afterAll(async () => {
  await Promise.all([...running].map((gateway) => gateway.close()))
})

/** Starts a gateway on a free port; it is closed after the tests of the file. */
export async function start(options: StartOptions & { stateDir?: string } = {}): Promise<TestGateway> {
  const stateDir = options.stateDir ?? (await tempDir()).path
  const logs: string[] = []
  const gateway = await startGateway({
    env: { MCPP_STATE_DIR: stateDir, MCP_GATEWAY_WARM_UP: '0' },
    logSink: { write: (line) => void logs.push(line) },
    ...options,
    flags: { port: 0, 'health-interval': 0.5, ...options.flags },
  })
  running.add(gateway)
  const adminToken = (await readFile(gateway.adminTokenFile, 'utf8')).trim()
  return {
    ...gateway,
    close: async () => {
      running.delete(gateway)
      await gateway.close()
    },
    adminToken,
    logs,
    admin: (method, path, body) => {
      const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }
      return send(gateway.url + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    },
    get: (path, headers = {}) => send(gateway.url + path, { headers, redirect: 'manual' }),
  }
}

/** Sends a request and reads the answer whole. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: jsonOf(text) }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Pages and streams are no JSON.
    return undefined
  }
}

/** The same with any `Host`, which fetch does not allow to set. */
export function sendWithHost(
  url: string,
  host: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const request = httpRequest(url, { headers: { ...headers, host } }, (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
    })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
  })
  request.on('error', reject)
  request.end()
  return promise
}

/** Sends bytes as they are and reads until the server closes. */
export function sendRaw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect(Number(port), hostname, () => socket.write(bytes))
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  socket.on('close', () => resolve(text))
  socket.on('error', reject)
  return promise
}
