import { stat } from 'node:fs/promises'
import type { Check, Finding } from './finding.js'

/** Tokens have seconds to spare, not minutes. */
const MAX_SKEW_MS = 30_000
const TIMEOUT_MS = 3_000
const FIX = 'timedatectl set-ntp true'

/** That this clock can be right, and agrees with the gateway's. */
export const checkClock: Check = async ({ url }) => {
  const builtAt = (await stat(new URL(import.meta.url))).mtimeMs
  const now = Date.now()
  if (now < builtAt - MAX_SKEW_MS) {
    const message = `it is ${new Date(now).toISOString()} here, before this program was installed`
    return [{ check: 'clock', level: 'error', message, fix: FIX }]
  }
  return [skewFinding(await gatewayTime(url))]
}

function skewFinding(theirs: number | undefined): Finding {
  if (theirs === undefined) return { check: 'clock', level: 'ok', message: 'this clock can be right' }
  const skewMs = Date.now() - theirs
  // The header is in whole seconds.
  if (Math.abs(skewMs) <= MAX_SKEW_MS + 1_000) {
    return { check: 'clock', level: 'ok', message: "this clock and the gateway's agree" }
  }
  const message = `this clock is ${Math.round(Math.abs(skewMs) / 1_000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the gateway's`
  return { check: 'clock', level: 'error', message, fix: `${FIX} (here and there)` }
}

// Not by the client: it does not show headers.
async function gatewayTime(url: string): Promise<number | undefined> {
  try {
    const live = new URL('health/live', url.endsWith('/') ? url : `${url}/`)
    const response = await fetch(live, { method: 'HEAD', signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'manual' })
    const time = Date.parse(response.headers.get('date') ?? '')
    return Number.isNaN(time) ? undefined : time
  } catch (error) {
    // That nobody answers is what another check says.
    if (error instanceof TypeError || error instanceof DOMException) return undefined
    throw error
  }
}
