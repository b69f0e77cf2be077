import { execFile } from 'node:child_process'

/** An unprivileged user of this machine. */
export interface SystemUser {
  readonly uid: number
  readonly gid: number
}

/** How {@link runOnce} runs. */
export interface RunOptions {
  readonly user?: SystemUser | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly cwd?: string | undefined
  /** @default 60_000 */
  readonly timeoutMs?: number | undefined
}

/** Runs a command to its end and returns its stdout; rejects with its output in the message. */
export function runOnce(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { user, env, cwd, timeoutMs = 60_000 } = options
  const how = {
    timeout: timeoutMs,
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
    ...(user === undefined ? {} : user),
  }
  return new Promise((resolve, reject) => {
    execFile(command, [...args], how, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else
        reject(new Error(`${command}: ${`${stdout}${stderr}`.trim().slice(-1000) || error.message}`, { cause: error }))
    })
  })
}

/** A user by name; undefined if the machine has none of that name. */
export async function systemUser(name: string): Promise<SystemUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([runOnce('id', ['-u', name]), runOnce('id', ['-g', name])])
    return { uid: Number(uid), gid: Number(gid) }
  } catch {
    return undefined // `id` fails exactly when there is no such user.
  }
}

/** Whether this process is root, which database servers refuse to run as. */
export function isRoot(): boolean {
  return process.getuid?.() === 0
}
