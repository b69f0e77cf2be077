import type { LogLine } from '../log/log-line.js'
import type { HopRefusedError } from './hop-seal.js'

/** What happens to messages between nodes. */
export type HopEvent =
  /** A request claimed to come from another node, and did not. */
  | { readonly type: 'hop-refused'; readonly error: HopRefusedError; readonly address: string | undefined }
  /** A node that should live cannot be reached. */
  | { readonly type: 'peer-unreachable'; readonly node: string; readonly url: string; readonly error: unknown }
  /** A node does not believe that we are one. */
  | { readonly type: 'peer-refuses'; readonly node: string; readonly url: string }

/** The log line of an event. */
export function describeHop(event: HopEvent): LogLine {
  const { type, ...facts } = event
  switch (type) {
    case 'hop-refused': {
      const { error, address } = event as HopEvent & { type: 'hop-refused' }
      return { level: 'warn', message: `refused: ${error.message}`, facts: { why: error.why, address } }
    }
    case 'peer-unreachable': {
      const { node, url, error } = event as HopEvent & { type: 'peer-unreachable' }
      return {
        level: 'warn',
        message: 'a node cannot be reached; its sessions go on here',
        facts: { node, url, err: error },
      }
    }
    case 'peer-refuses':
      return { level: 'error', message: 'a node refuses our messages: compare clocks and master keys', facts }
  }
}
