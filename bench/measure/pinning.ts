import { existsSync, readFileSync } from 'node:fs'

/** Cores for the three parts of a measurement; undefined where nothing can be pinned. */
export interface Cores {
  readonly load: number | undefined
  readonly target: number | undefined
  readonly upstream: number | undefined
  /** For a person: what was done, or why not. */
  readonly note: string
}

const TASKSET = ['/usr/bin/taskset', '/bin/taskset']

/** Gives load, target and upstream a core each, where `taskset` exists and there are three. */
export function chooseCores(): Cores {
  const none = { load: undefined, target: undefined, upstream: undefined }
  if (!TASKSET.some((path) => existsSync(path))) return { ...none, note: 'not pinned: there is no taskset here' }
  const [load, target, upstream] = allowedCores()
  if (upstream === undefined) return { ...none, note: 'not pinned: that needs three cores' }
  return { load, target, upstream, note: `load on core ${load}, target on ${target}, upstream on ${upstream}` }
}

/** The command that runs another one on one core; unchanged without a core. */
export function pinned(core: number | undefined, command: string, args: readonly string[]): [string, string[]] {
  return core === undefined ? [command, [...args]] : ['taskset', ['-c', String(core), command, ...args]]
}

/** Cores that this process may use, as the kernel says: a container may have fewer than the machine. */
export function allowedCores(): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset)
  })
}
