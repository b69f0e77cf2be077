/** What the process ends with. Scripts rely on them. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notAuthenticated: 4,
  notAllowed: 5,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
