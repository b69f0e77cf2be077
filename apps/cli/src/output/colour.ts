const RESET = '\u001b[0m'
const CODES = { red: '\u001b[31m', green: '\u001b[32m', yellow: '\u001b[33m', bold: '\u001b[1m' } as const

/** Paints a text, or leaves it as it is. */
export type Paint = (colour: keyof typeof CODES, text: string) => string

/** Colours only for people: on a terminal, and not where they are refused (https://no-color.org). */
export function painter(stream: { isTTY?: boolean | undefined }, env: NodeJS.ProcessEnv, refused: boolean): Paint {
  const enabled = stream.isTTY === true && !refused && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  return enabled ? (colour, text) => CODES[colour] + text + RESET : (_, text) => text
}

/** A status in the colour of its meaning. */
export function paintStatus(paint: Paint, status: string): string {
  if (status === 'healthy' || status === 'ok') return paint('green', status)
  const waits = ['degraded', 'starting', 'draining', 'disabled', 'empty']
  return paint(waits.includes(status) ? 'yellow' : 'red', status)
}
