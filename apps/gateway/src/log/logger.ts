import { destination, type Logger, pino } from 'pino'
import pretty from 'pino-pretty'
import type { LogLine } from './log-line.js'

export type { Logger } from 'pino'

/** Where log lines go. The default is the standard error stream: standard output belongs to the command. */
export interface LogSink {
  write(line: string): void
}

/** A log and what writes out its last lines. */
export interface GatewayLog {
  readonly log: Logger
  /** Writes a finished line, in JSON, of another process of this gateway. */
  write(line: string): void
  flush(): void
}

/** Makes the structured log of one gateway. */
export function createLog(options: {
  readonly level: string
  readonly format: 'json' | 'pretty'
  readonly sink?: LogSink | undefined
}): GatewayLog {
  const settings = {
    level: options.level,
    base: { pid: process.pid },
    serializers: { err: pino.stdSerializers.errWithCause },
  }
  const { sink } = options
  if (sink !== undefined) {
    return { log: pino(settings, sink), write: (line) => sink.write(line), flush: () => undefined }
  }
  if (options.format === 'pretty') {
    const stream = pretty({
      destination: 2,
      sync: true,
      colorize: process.stderr.isTTY === true,
      ignore: 'pid,hostname',
      translateTime: 'HH:MM:ss.l',
    })
    return { log: pino(settings, stream), write: (line) => void stream.write(line), flush: () => undefined }
  }
  const stream = destination({ fd: 2, sync: false })
  return { log: pino(settings, stream), write: (line) => void stream.write(line), flush: () => stream.flushSync() }
}

/** Writes one line as {@link LogLine} says. */
export function write(log: Logger, { level, message, facts }: LogLine): void {
  if (log.isLevelEnabled(level)) log[level](facts, message)
}
