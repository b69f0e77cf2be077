/** What is left of a figure after some time: e^(-elapsed / tau). Time that runs backwards leaves it whole. */
export function remaining(elapsedMs: number, tauMs: number): number {
  return elapsedMs <= 0 ? 1 : Math.exp(-elapsedMs / tauMs)
}
