import { createHash } from 'node:crypto'

/**
 * In which order those that live go on with a session whose home is gone: the same order wherever it is asked for, and
 * another one for each session (highest random weight, Thaler and Ravishankar 1998). So all messages of one session meet.
 */
export function heirsOf(key: string, candidates: Iterable<string>): string[] {
  const drawn = [...candidates].map((name) => ({ name, draw: drawOf(key, name) }))
  return drawn.toSorted((a, b) => (a.draw < b.draw ? 1 : -1)).map(({ name }) => name)
}

function drawOf(key: string, name: string): string {
  return createHash('sha256').update(`${key}\n${name}`).digest('hex')
}
