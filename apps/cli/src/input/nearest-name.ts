/** The known name nearest to a mistyped one, if any is near enough to be meant: an edit distance of a third at most. */
export function nearestName(typed: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(typed.length / 3))
  const ranked = known.map((name) => ({ name, distance: editDistance(typed, name) }))
  const [best] = ranked.sort((a, b) => a.distance - b.distance)
  return best !== undefined && best.distance <= limit ? best.name : undefined
}

// Levenshtein 1966, one row at a time.
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...a].entries()) row = nextRow(row, { letter, index: i + 1, other: b })
  return row[b.length] ?? 0
}

function nextRow(
  row: readonly number[],
  { letter, index, other }: { readonly letter: string; readonly index: number; readonly other: string },
): number[] {
  const next = [index]
  for (let j = 1; j <= other.length; j++) {
    const change = (row[j - 1] ?? 0) + (letter === other[j - 1] ? 0 : 1)
    next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
  }
  return next
}
