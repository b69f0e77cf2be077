import type { AuditQuery } from '@mcp-platform/auth'
import type { AuditOutcomeName, AuditPage, AuditVerification, Problem } from '@mcp-platform/contract'
import { GatewayError } from '@mcp-platform/gateway-core'
import { Controller, Get, Query, Response, Route, Security, Tags } from '@tsoa/runtime'
import type { Services } from '../http/services.js'
import { auditView, trailCheck } from '../identity/views.js'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000
const CURSOR = /^[0-9a-z-]{1,64}$/

/** The audit trail. */
@Route('auth/audit')
@Tags('Identity')
@Response<Problem>('default', 'An error as a problem document (RFC 9457)', undefined, 'application/problem+json')
export class AuditController extends Controller {
  readonly #services: Services

  constructor(services: Services) {
    super()
    this.#services = services
  }

  /**
   * Identity, management and refused actions, newest first.
   * @summary Read the audit trail
   * @param since Not before, ISO 8601
   * @param until Before, ISO 8601
   * @param actor Id of a principal, or the name of a user
   * @param action Such as `login`, `user.create`, `register`
   * @param limit 1 to 1,000
   * @isInt limit
   * @param cursor `next_cursor` of the page before
   */
  @Get()
  @Security('gateway', ['audit:read'])
  async list(
    @Query() since?: string,
    @Query() until?: string,
    @Query() actor?: string,
    @Query() action?: string,
    @Query() outcome?: AuditOutcomeName,
    @Query() limit = DEFAULT_LIMIT,
    @Query() cursor?: string,
  ): Promise<AuditPage> {
    const query = checked({ since, until, actor, action, outcome, limit, cursor })
    const events = await this.#services.identity.audit.query(query)
    const last = events.length === limit ? events.at(-1) : undefined
    return { events: events.map(auditView), next_cursor: last?.id ?? null }
  }

  /**
   * Reads both trails whole: the one in the database, which has the records of all nodes, and the tool calls in the files
   * of this node. Those of other nodes are checked there; `covers` says so.
   * @summary Check the hash chains of the audit trails
   */
  @Get('verify')
  @Security('gateway', ['audit:read'])
  async verify(): Promise<AuditVerification> {
    const { audit } = this.#services.identity
    const { database, calls } = await audit.verify()
    const trails = [trailCheck('database', database), trailCheck('calls', calls, audit.node)]
    return { ok: trails.every(({ ok }) => ok), trails }
  }
}

interface RawQuery {
  readonly since: string | undefined
  readonly until: string | undefined
  readonly actor: string | undefined
  readonly action: string | undefined
  readonly outcome: AuditOutcomeName | undefined
  readonly limit: number
  readonly cursor: string | undefined
}

function checked(raw: RawQuery): AuditQuery {
  const errors: { path: string; message: string }[] = []
  const { limit, cursor, action, outcome } = raw
  const since = instant('since', raw.since, errors)
  const until = instant('until', raw.until, errors)
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT)) {
    errors.push({ path: 'limit', message: `must be a whole number from 1 to ${MAX_LIMIT}` })
  }
  if (cursor !== undefined && !CURSOR.test(cursor)) errors.push({ path: 'cursor', message: 'is not a cursor' })
  if (errors.length > 0) {
    const detail = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
    throw new GatewayError('VALIDATION_FAILED', detail, { errors })
  }
  return { since, until, actor: actorId(raw.actor), action, outcome, limit, before: cursor }
}

function instant(
  path: string,
  text: string | undefined,
  errors: { path: string; message: string }[],
): Date | undefined {
  if (text === undefined) return undefined
  const at = new Date(text)
  if (!Number.isNaN(at.getTime())) return at
  errors.push({ path, message: 'must be an instant like 2026-11-22T18:00:00Z' })
  return undefined
}

const PLAIN: ReadonlySet<string> = new Set(['anonymous', 'local-admin', 'many'])

// A name is what people have at hand.
function actorId(actor: string | undefined): string | undefined {
  if (actor === undefined || actor.includes(':') || PLAIN.has(actor)) return actor
  return `user:${actor}`
}
