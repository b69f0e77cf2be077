/**
 * Text of a server made safe for a terminal: control characters, with which a server could rewrite the screen or the
 * clipboard, become visible. Line breaks and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, (control) => {
    return `\\u${(control.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}

/** The same on one line, cut to `width` characters. */
export function oneLine(text: string, width = 80): string {
  const line = printable(text.split(/\r?\n/, 1)[0] ?? '')
  return line.length > width ? `${line.slice(0, width - 1)}…` : line
}
