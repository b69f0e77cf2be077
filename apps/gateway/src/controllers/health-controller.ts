import type { Probe } from '@mcp-platform/contract'
import { Controller, Get, Response, Route, Tags } from '@tsoa/runtime'
import type { Services } from '../http/services.js'

/** Probes of the platform that runs the gateway. */
@Route('health')
@Tags('Health')
export class HealthController extends Controller {
  readonly #services: Services

  constructor(services: Services) {
    super()
    this.#services = services
  }

  /**
   * Answers as long as the process can. Never depends on the database or on an instance.
   * @summary Liveness
   */
  @Get('live')
  live(): Probe {
    return { status: 'ok' }
  }

  /**
   * 503 while the gateway starts and from the first moment of a shutdown.
   * @summary Readiness
   */
  @Get('ready')
  @Response<Probe>(503, 'Starting or shutting down')
  ready(): Probe {
    const reason = this.#services.notReady()
    if (reason === undefined) return { status: 'ok' }
    this.setStatus(503)
    return { status: 'unavailable', reason }
  }
}
