import type { Stoppable } from '../lifecycle.js'

/** A database server for tests. */
export interface TestDatabase extends Stoppable {
  /** Connection URL of its first database. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** Whether {@link halt} and {@link kill9} work: false for a server given by TEST_POSTGRES_URL or TEST_MYSQL_URL. */
  readonly controllable: boolean
  /** Creates an empty database and returns its URL, so that suites do not meet. */
  createDatabase(): Promise<string>
  /** Stops the server politely; its data stay. */
  halt(): Promise<void>
  /** SIGKILL: a crash; its data stay. */
  kill9(): Promise<void>
  /** Starts it again on the same port and data. */
  resume(): Promise<void>
}

/** The URL of another database of the same server. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

/** For servers that somebody else runs. */
export function notControllable(): Promise<never> {
  return Promise.reject(new Error('test-kit: this server was given by its URL and is not ours to stop'))
}
