import type { Problem } from '@mcp-platform/contract'
import { CliError } from '../errors.js'
import { type ExitCode, exitCodes } from '../exit-codes.js'
import { printable } from './printable.js'

/** What is printed of an error, and what the process ends with. */
export interface ErrorReport {
  readonly code: string
  /** One sentence. */
  readonly message: string
  /** Facts worth a line each: faults with their paths, whether the tool ran. */
  readonly details: readonly string[]
  /** The command to type next. */
  readonly next: string | undefined
  readonly exitCode: ExitCode
  readonly problem: Problem | undefined
}

/** What a command sends to prove who it is. */
export type CredentialKind = 'api-key' | 'token' | 'login'

/** What the report needs to know of the command that failed. */
export interface ReportContext {
  /** As typed: `gateway register`. */
  readonly command: string
  readonly credentialKind?: CredentialKind | undefined
}

const CLIENT_EXITS: Readonly<Record<string, ExitCode>> = {
  CLIENT_GATEWAY_UNREACHABLE: exitCodes.unreachable,
  CLIENT_TIMEOUT: exitCodes.failed,
  CLIENT_BAD_ANSWER: exitCodes.unreachable,
  CLIENT_SESSION_ENDED: exitCodes.notAuthenticated,
}

const CLIENT_NEXT: Readonly<Record<string, string>> = {
  CLIENT_GATEWAY_UNREACHABLE: 'mcpp gateway start --background',
  CLIENT_TIMEOUT: 'mcpp gateway status',
  CLIENT_BAD_ANSWER: 'mcpp config list',
  CLIENT_SESSION_ENDED: 'mcpp gateway login USER',
  CLIENT_STATE_FILE_INVALID: 'mcpp gateway status --url URL',
}

const PROBLEM_NEXT: Readonly<Record<string, (problem: Problem) => string>> = {
  TEMPLATE_NOT_FOUND: () => 'mcpp gateway list',
  INSTANCE_NOT_FOUND: ({ template }) => `mcpp gateway list${template === undefined ? '' : ` ${template}`}`,
  TOOL_NOT_FOUND: ({ template }) => (template === undefined ? 'mcpp gateway list' : `mcpp gateway tools ${template}`),
  NO_INSTANCE_AVAILABLE: ({ template }) =>
    template === undefined ? 'mcpp gateway list' : `mcpp gateway explain ${template}`,
  RESOURCE_NOT_FOUND: ({ template }) => `mcpp gateway resources ${template ?? 'TEMPLATE'}`,
  // It offers something else, or nothing: tools are what nearly every server has.
  UPSTREAM_METHOD_NOT_FOUND: ({ template }) => `mcpp gateway tools ${template ?? 'TEMPLATE'}`,
  USER_EXISTS: () => 'mcpp gateway list-users',
  USER_NOT_FOUND: () => 'mcpp gateway list-users',
  API_KEY_NOT_FOUND: () => 'mcpp gateway list-api-keys',
  INTERNAL: () => 'mcpp gateway logs',
}

/** Where the parser stops to say what is wrong and begins to say where help is. */
const PARSER_ADVICE = /\n+(?:Note: |See more help with )/

const PARSER_HEADING = /^The following errors? occurred:$/

/** Turns anything thrown into what people and scripts get. */
export function reportOf(error: unknown, context: ReportContext): ErrorReport {
  if (error instanceof CliError) return ofCli(error)
  const problem = problemOf(error)
  if (problem !== undefined) return ofProblem(problem, context)
  const code = codeOf(error)
  if (code !== undefined) return ofCoded(error, code)
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'CLI_FAILED', message, details: [], next: undefined, exitCode: exitCodes.failed, problem: undefined }
}

/**
 * Reports what the parser of flags and arguments has refused.
 * @param text its message: a sentence, maybe a list, and advice that is ours to give
 */
export function reportOfUsage(text: string, command: string): ErrorReport {
  const [first = '', ...others] = (text.split(PARSER_ADVICE, 1)[0] ?? '').trim().split('\n')
  // A heading over one line says nothing.
  const isHeading = others.length === 1 && PARSER_HEADING.test(first)
  const [message = '', ...details] = isHeading ? others.map((line) => line.trim()) : [first, ...others]
  return {
    code: 'CLI_USAGE',
    message,
    details: details.map((line) => printable(line.trim())).filter((line) => line !== ''),
    next: `mcpp ${command} --help`,
    exitCode: exitCodes.usage,
    problem: undefined,
  }
}

function ofCli({ code, message, next, exitCode }: CliError): ErrorReport {
  return { code, message, details: [], next, exitCode, problem: undefined }
}

function ofProblem(problem: Problem, context: ReportContext): ErrorReport {
  return {
    code: problem.code,
    message: sentenceOf(problem),
    details: [...faultLines(problem), ...outcomeLines(problem)],
    next: nextOf(problem, context),
    exitCode: exitOf(problem.status),
    problem,
  }
}

function ofCoded(error: unknown, code: string): ErrorReport {
  const message = error instanceof Error ? error.message : String(error)
  return {
    code,
    message,
    details: executedOf(error) === 'unknown' && code === 'CLIENT_TIMEOUT' ? ['It is unknown whether it has run.'] : [],
    next: CLIENT_NEXT[code],
    exitCode: CLIENT_EXITS[code] ?? exitCodes.failed,
    problem: undefined,
  }
}

function exitOf(status: number): ExitCode {
  if (status === 401) return exitCodes.notAuthenticated
  return status === 403 ? exitCodes.notAllowed : exitCodes.failed
}

function nextOf(problem: Problem, { command, credentialKind }: ReportContext): string | undefined {
  const { code, status } = problem
  // Nothing helps but to wait.
  if (status === 429) return undefined
  if (status === 401) return credentialKind === 'api-key' ? 'mcpp config set api-key -' : 'mcpp gateway login USER'
  if (status === 403) return 'mcpp gateway whoami'
  if (code === 'CONFLICT' && command === 'gateway register') return nextOfTaken(problem)
  if (code === 'UPSTREAM_INVALID_PARAMS' && command === 'gateway prompt') {
    return `mcpp gateway prompts ${problem.template ?? 'TEMPLATE'}`
  }
  if (status === 422) return `mcpp ${command} --help`
  return PROBLEM_NEXT[code]?.(problem) ?? 'mcpp gateway status'
}

// What a file or a discovery source owns cannot be replaced: only another id helps.
function nextOfTaken({ template = 'TEMPLATE', source }: Problem): string {
  if (source === undefined) return 'mcpp gateway register … --replace'
  return `mcpp gateway register ${template} … --id OTHER_ID`
}

// All at once they are a long line: the lines below it are easier to read.
function sentenceOf({ detail, errors = [] }: Problem): string {
  const holdsAll = errors.length > 1 && errors.every(({ message }) => detail.includes(message))
  return holdsAll ? `${errors.length} faults:` : detail
}

// A single fault is the sentence itself.
function faultLines({ detail, errors = [] }: Problem): string[] {
  const [only, ...others] = errors
  if (only === undefined || (others.length === 0 && detail.includes(only.message))) return []
  return errors.map(({ path, message }) => printable(path === '' ? message : `${path}: ${message}`))
}

function outcomeLines({ detail, executed, retry_after_seconds: retryAfter }: Problem): string[] {
  const lines: string[] = []
  if (executed === 'unknown') lines.push('It is unknown whether the tool has run; find out before you call it again.')
  if (retryAfter !== undefined && !detail.includes(`again in ${retryAfter} s`))
    lines.push(`Try again in ${retryAfter} s.`)
  return lines
}

// By shape, not by class: the client is loaded only by commands that use it.
function problemOf(error: unknown): Problem | undefined {
  if (typeof error !== 'object' || error === null || !('problem' in error)) return undefined
  const { problem } = error
  return typeof problem === 'object' && problem !== null && 'code' in problem ? (problem as Problem) : undefined
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

function executedOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'executed' in error ? error.executed : undefined
}
