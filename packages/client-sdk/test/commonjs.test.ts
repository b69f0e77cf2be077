import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'

/** A folder from which the package's own name resolves by its `exports`, as for somebody who installed it. */
const cwd = fileURLToPath(new URL('..', import.meta.url))

async function node(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, env: {} })
  return stdout
}

describe('the built package', () => {
  it('can be required from CommonJS', async () => {
    const code = `const { GatewayClient, GatewayError } = require('@mcp-platform/client')
      const client = new GatewayClient({ baseUrl: 'http://127.0.0.1:1', maxRetries: 0 })
      client.gatewayHealth().catch((error) => console.log(typeof GatewayError, error.code)).finally(() => client.close())`
    expect(await node('--input-type=commonjs', '--eval', code)).toBe('function CLIENT_GATEWAY_UNREACHABLE\n')
  })

  it('offers the same names to require and import', async () => {
    const list = (names: string): string =>
      `console.log(Object.keys(${names}).filter((name) => name !== '__esModule' && name !== 'module.exports').sort().join())`
    const required = await node('--input-type=commonjs', '--eval', list(`require('@mcp-platform/client')`))
    const imported = await node('--input-type=module', '--eval', list(`await import('@mcp-platform/client')`))
    expect(required).toContain('GatewayClient')
    expect(required).toBe(imported)
  })
})
