/**
 * What one of several processes gets of a bound that holds for all of them: an equal part, at least 1. A bound of 0
 * (nothing may wait) stays 0.
 */
export function shareOf(bound: number, processes: number): number {
  if (processes === 1 || bound === 0) return bound
  return Math.max(1, Math.floor(bound / processes))
}
