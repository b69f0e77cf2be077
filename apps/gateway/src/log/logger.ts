import { destination, type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger } from 'pino'

/** Where log lines go. The default is the standard error stream: standard output belongs to the command. */
export interface LogSink {
  write(line: string): void
}

/** A log and what writes out its last lines. */
export interface GatewayLog {
  readonly log: Logger
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
  if (options.sink !== undefined) return { log: pino(settings, options.sink), flush: () => undefined }
  if (options.format === 'pretty') {
    const stream = pretty({
      destination: 2,
      sync: true,
      colorize: process.stderr.isTTY === true,
      ignore: 'pid,hostname',
      translateTime: 'HH:MM:ss.l',
    })
    return { log: pino(settings, stream), flush: () => undefined }
  }
  const stream = destination({ fd: 2, sync: false })
  return { log: pino(settings, stream), flush: () => stream.flushSync() }
}
