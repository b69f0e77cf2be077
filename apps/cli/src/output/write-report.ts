import type { ErrorReport } from './error-report.js'
import { printable } from './printable.js'

/** Writes an error to stderr: one sentence, its facts, the next command; with `json` one object. */
export function writeReport(
  report: ErrorReport,
  error: unknown,
  { json, verbose }: { readonly json: boolean; readonly verbose: boolean },
): void {
  const text = json ? JSON.stringify(asJson(report), null, 2) : asText(report)
  process.stderr.write(`${text}\n`)
  if (verbose) process.stderr.write(`${verboseText(report, error)}\n`)
}

/** `load_balancer.strategy: …`: the name of a field stays as it is spelled. */
const FIELD_FIRST = /^[\w-]+(?:[.[][\w.[\]-]*)?: /

function asText({ message, details, next }: ErrorReport): string {
  const lines = [`Error: ${printable(sentence(message))}`, ...details.map((detail) => `  ${detail}`)]
  if (next !== undefined) lines.push(`Try: ${next}`)
  return lines.join('\n')
}

function asJson({ code, message, next, exitCode, problem }: ErrorReport): unknown {
  return { error: { code, message, exit_code: exitCode, next, problem } }
}

function verboseText({ code, problem }: ErrorReport, error: unknown): string {
  const lines = [`code: ${code}`]
  if (problem !== undefined) lines.push(`request id: ${problem.request_id}`, `status: ${problem.status}`)
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    lines.push(printable(cause.stack ?? cause.message))
  return lines.join('\n')
}

function sentence(text: string): string {
  const first = FIELD_FIRST.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?:]$/.test(first) ? first : `${first}.`
}
