import type { Candidate } from './endpoint.js'

/** Index of the first candidate whose ordinal is >= the given one; the candidates are sorted by ordinal. O(log n). */
export function indexFrom(candidates: readonly Candidate[], ordinal: number): number {
  let low = 0
  let high = candidates.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((candidates[middle]?.ordinal ?? 0) < ordinal) low = middle + 1
    else high = middle
  }
  return low
}
