/** A share that grows in so many steps: each one makes a balancer rebuild its list once. */
const STEPS = 10

/** How a target that came back is warmed up. */
export interface SlowStart {
  readonly slowStartMs: number
  readonly slowStartMinShare: number
}

/** Share of a target that began its slow start at `fromMs`: linear from the smallest share to 1, in ten steps. */
export function slowStartShare(fromMs: number | undefined, nowMs: number, slowStart: SlowStart): number {
  if (fromMs === undefined) return 1
  const step = Math.min(STEPS, stepAt(fromMs, nowMs, slowStart))
  return slowStart.slowStartMinShare + (1 - slowStart.slowStartMinShare) * (step / STEPS)
}

/** When the share grows next; undefined once it is whole. */
export function nextSlowStartStepMs(
  fromMs: number | undefined,
  nowMs: number,
  slowStart: SlowStart,
): number | undefined {
  if (fromMs === undefined) return undefined
  const step = stepAt(fromMs, nowMs, slowStart) + 1
  return step > STEPS ? undefined : fromMs + (step * slowStart.slowStartMs) / STEPS
}

// The small addition forgives the rounding of fromMs + step * length: a step that is reached must not be missed by 1e-12.
function stepAt(fromMs: number, nowMs: number, slowStart: SlowStart): number {
  return Math.floor(((nowMs - fromMs) * STEPS) / slowStart.slowStartMs + 1e-6)
}
