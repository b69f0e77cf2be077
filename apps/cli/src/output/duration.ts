const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
]

/** Seconds for people: `42 s`, `3 m`, `2 h`, `5 d`. */
export function duration(seconds: number): string {
  const unit = UNITS.find(([, size]) => seconds >= size)
  return unit === undefined ? `${Math.round(seconds)} s` : `${Math.floor(seconds / unit[1])} ${unit[0]}`
}
