import type {
  ExplainView,
  GatewayEventWire,
  GatewayHealth,
  GatewayReport,
  GatewayStats,
  HelloEvent,
  Problem,
  SyncResult,
} from '@mcp-platform/contract'
import {
  Controller,
  Get,
  Post,
  Produces,
  Query,
  Request,
  Response,
  Route,
  Security,
  SuccessResponse,
  Tags,
} from '@tsoa/runtime'
import type { Request as HttpRequest } from 'express'
import { streamEvents } from '../events/sse.js'
import type { Services } from '../http/services.js'
import { requireAllowed } from '../identity/access.js'
import { changeBy, mayRead, pick, principalOf } from './caller.js'

/** The gateway as a whole. */
@Route('gateway')
@Tags('Gateway')
@Response<Problem>('default', 'An error as a problem document (RFC 9457)', undefined, 'application/problem+json')
export class GatewayController extends Controller {
  readonly #services: Services

  constructor(services: Services) {
    super()
    this.#services = services
  }

  /**
   * Counts only, for anybody; 200 while the gateway can serve.
   * @summary Health of the gateway
   */
  @Get('health')
  health(): GatewayHealth {
    return this.#services.gateway.health()
  }

  /** @summary Counters of gateway, templates, instances, balancers and health checks */
  @Get('stats')
  @Security('gateway', ['registry:read'])
  async stats(@Request() request: HttpRequest): Promise<GatewayStats> {
    await this.#services.countAll()
    const stats = this.#services.gateway.stats()
    const sees = mayRead(principalOf(request))
    const { requests_per_instance, active_connections, ...rest } = stats.load_balancer
    const seesKey = (key: string): boolean => sees(key.slice(0, key.indexOf('/')))
    return {
      ...stats,
      templates: pick(stats.templates, sees),
      load_balancer: {
        ...rest,
        requests_per_instance: pick(requests_per_instance, seesKey),
        active_connections: pick(active_connections, seesKey),
      },
    }
  }

  /**
   * Exposure, database and its schema, the nodes that share it, what waits of the audit trail, where a change of the master
   * key stands: what `mcpp gateway doctor` judges. Answers in bounded time, also while the database does not.
   * @summary What the gateway knows of itself
   */
  @Get('report')
  @Security('gateway', ['metrics:read'])
  report(): Promise<GatewayReport> {
    return this.#services.report()
  }

  /**
   * Which instance would be picked now, and why each other one would not.
   * @summary Explain a pick
   */
  @Get('explain')
  @Security('gateway', ['registry:read'])
  explain(@Request() request: HttpRequest, @Query() template: string): ExplainView {
    requireAllowed(principalOf(request), { scope: 'registry:read', template })
    return this.#services.gateway.explain(template)
  }

  /**
   * Reads every source (registry file, discovery) now. Removes only what the same source once added.
   * @summary Synchronise with the sources
   * @param dry_run Only say what would change
   */
  @Post('sync')
  @Security('gateway', ['registry:write'])
  sync(@Request() request: HttpRequest, @Query() dry_run = false): Promise<SyncResult> {
    return this.#services.sync.now(changeBy(request, this.#services), { dryRun: dry_run })
  }

  /**
   * Server-sent events: status and circuit of instances, changes of the registry. The first one is `hello`.
   * @summary Follow what happens
   */
  @Get('events')
  @Security('gateway', ['registry:read'])
  @Produces('text/event-stream')
  @SuccessResponse(200, 'A stream of events', 'text/event-stream')
  async events(@Request() request: HttpRequest): Promise<string> {
    const response = request.res
    if (response === undefined) return ''
    this.#services.identity.door.follow(request, response, principalOf(request))
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const sees = mayRead(principalOf(request))
    const events = this.#services.events.read(gone.signal, (event) => concerns(event, sees))
    await streamEvents(response, greeted(hello(this.#services), events))
    // tsoa leaves an answer alone that has begun.
    return ''
  }
}

function hello(services: Services): HelloEvent {
  return { type: 'hello', at: new Date().toISOString(), version: services.version }
}

async function* greeted(
  first: GatewayEventWire,
  events: AsyncIterable<GatewayEventWire>,
): AsyncGenerator<GatewayEventWire> {
  yield first
  yield* events
}

function concerns(event: GatewayEventWire, sees: (template: string) => boolean): boolean {
  if ('template' in event) return sees(event.template)
  return event.type !== 'registry_changed' || event.templates.length === 0 || event.templates.some(sees)
}
