import { localAdmin, PasswordRefusedError, type Users } from '@mcp-platform/auth'
import { GatewayStartError } from '../errors.js'

const VARIABLE = 'MCP_GATEWAY_ADMIN_PASSWORD'
const NAME = 'admin'

/**
 * Makes the user `admin` with the password of `MCP_GATEWAY_ADMIN_PASSWORD`, where there is no user yet: once, so that the
 * variable has no power over an installation that has users.
 * @throws GatewayStartError ADMIN_PASSWORD for one that the policy refuses
 */
export async function makeFirstAdmin(env: NodeJS.ProcessEnv, users: Users, count: number): Promise<boolean> {
  const password = env[VARIABLE]
  if (password === undefined || password === '' || count > 0) return false
  try {
    await users.create({ name: NAME, role: 'admin', password }, { principal: localAdmin({ mayExecute: false }) })
    return true
  } catch (error) {
    if (!(error instanceof PasswordRefusedError)) throw error
    throw new GatewayStartError('ADMIN_PASSWORD', `${VARIABLE} cannot be used: ${error.message}`, error)
  }
}
