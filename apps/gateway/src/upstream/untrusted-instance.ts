import { UpstreamError } from '@mcp-platform/mcp-upstream'

/** The row of an instance is not as a gateway has written it: it is neither started nor reached. */
export class UntrustedInstanceError extends UpstreamError {
  override readonly code = 'UPSTREAM_SPAWN_FAILED'
  readonly reason: string

  constructor(reason: string) {
    super(`the instance is not trusted: ${reason}`, { sent: false })
    this.reason = reason
  }
}
