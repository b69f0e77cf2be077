import { describe, expect, it } from '@jest/globals'
import { tempDir } from '@mcp-platform/test-kit'
import { loginToken, startFailure, startSecured, userToken } from './support.js'

describe('the cost of a password', () => {
  it('rises at the next login once it was raised, and a lower one later takes nothing away', async () => {
    const folder = await tempDir()
    const hashAfterLogin = async (flags: Record<string, unknown>, isNew = false): Promise<string> => {
      const gateway = await startSecured(flags, { env: { MCPP_STATE_DIR: folder.path } })
      try {
        await (isNew ? userToken(gateway, 'anna', { role: 'user' }) : loginToken(gateway, 'anna'))
        const [user] = (await gateway.admin('GET', '/gateway/export')).json.users
        return user.password_hash
      } finally {
        await gateway.close()
      }
    }
    const first = await hashAfterLogin({}, true)
    expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/)
    const raised = await hashAfterLogin({ 'password-memory': 32, 'password-passes': 3 })
    expect(raised).toMatch(/^\$argon2id\$v=19\$m=32768,p=1,t=3\$/)
    expect(await hashAfterLogin({})).toBe(raised)
  })

  it('is never below what is safe', async () => {
    const folder = await tempDir()
    for (const [name, value] of Object.entries({ 'password-memory': 18, 'password-passes': 1 })) {
      const refused = await startFailure({ flags: { port: 0, [name]: value }, env: { MCPP_STATE_DIR: folder.path } })
      expect([refused.name, refused.message]).toEqual(['GatewayConfigError', expect.stringContaining(name)])
    }
  })
})
