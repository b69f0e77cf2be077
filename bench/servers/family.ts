import { readdirSync } from 'node:fs'
import { type Launched, pidAlive, processStartTicks, waitFor } from '@mcp-platform/test-kit'
import { parentOf } from '../measure/cpu.ts'

/** A process that stays the same one: pids are used again. */
interface Member {
  readonly pid: number
  readonly start: string | undefined
}

/** Milliseconds that the children have when their parent is gone. */
const GRACE_MS = 3_000

/**
 * Stops a program of somebody else with everything that it started: what outlives it although its stdin is closed and its parent gone
 * is killed, by pid.
 */
export async function stopFamily(launched: Launched): Promise<void> {
  const family = familyOf(launched.pid)
  await launched.stop()
  try {
    await waitFor(() => !family.some(lives), { timeoutMs: GRACE_MS })
  } catch {
    for (const member of family.filter(lives)) process.kill(member.pid, 'SIGKILL')
  }
}

/** Everything below a process, without itself; nothing where there is no /proc. */
function familyOf(pid: number): readonly Member[] {
  const parents = new Map(pids().map((found) => [found, parentOf(found)]))
  const below = new Set([pid])
  for (const member of below) {
    for (const [child, parent] of parents) if (parent === member) below.add(child)
  }
  below.delete(pid)
  return [...below].map((member) => ({ pid: member, start: processStartTicks(member) }))
}

function pids(): readonly number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    return [] // There is no /proc.
  }
}

function lives({ pid, start }: Member): boolean {
  return pidAlive(pid) && processStartTicks(pid) === start
}
