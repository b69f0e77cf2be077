/** The code of an error of the operating system, as `ENOENT`; `unknown` for anything else. */
export function osErrorCode(error: unknown): string {
  // By shape: errors of Node's own modules are of another realm under some test runners and in worker contexts.
  if (typeof error !== 'object' || error === null || !('code' in error)) return 'unknown'
  return String(error.code)
}
