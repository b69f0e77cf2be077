import type {
  DeregisterResponse,
  ExportDocument,
  ExportedUser,
  ImportResult,
  ProbeReport,
  Problem,
  RegisterResponse,
  RegistryView,
} from '@mcp-platform/contract'
import { parseRegistration } from '@mcp-platform/core-registry'
import {
  Body,
  Controller,
  Delete,
  Get,
  Path,
  Post,
  Query,
  Request,
  Response,
  Route,
  Security,
  SuccessResponse,
  Tags,
} from '@tsoa/runtime'
import type { Request as HttpRequest } from 'express'
import type { Services } from '../http/services.js'
import { requireAllowed } from '../identity/access.js'
import { exportRegistry, importParts, withChecksum } from '../registry/export.js'
import { userToWire } from '../registry/exported-users.js'
import { type ImportedTogether, importTogether, planTogether } from '../registry/import-together.js'
import { nameOf } from '../registry/sync.js'
import { actorOf, changeBy, mayRead, pick, principalOf } from './caller.js'
import { requireMayImport, requireMayStart } from './commands-of.js'

/** Instances: register, deregister, export, import. */
@Route('gateway')
@Tags('Registry')
@Response<Problem>('default', 'An error as a problem document (RFC 9457)', undefined, 'application/problem+json')
export class RegistryController extends Controller {
  readonly #services: Services

  constructor(services: Services) {
    super()
    this.#services = services
  }

  /**
   * Secrets are never shown; `has_value` stands in their place.
   * @summary All templates and instances
   */
  @Get('registry')
  @Security('gateway', ['registry:read'])
  async registry(@Request() request: HttpRequest): Promise<RegistryView> {
    await this.#services.countAll()
    const view = this.#services.gateway.registryView()
    const sources = this.#services.sync.sources()
    return { templates: pick(view.templates, mayRead(principalOf(request))), stats: view.stats, sources }
  }

  /**
   * The same id with the same specification changes nothing and is a 200; with another one it is a 409.
   * A command needs the scope `registry:exec` too; a launch profile must be one of the gateway's configuration.
   * @summary Register an instance
   * @param probe Wait for the first probe and report it
   * @param replace Replace what is registered under the id
   */
  @Post('register')
  @Security('gateway', ['registry:write'])
  @SuccessResponse(201, 'Registered')
  @Response<RegisterResponse>(200, 'It was there already, or was replaced')
  @Response<Problem>(409, 'The id is taken', undefined, 'application/problem+json')
  @Response<Problem>(422, 'Not valid; every fault is listed', undefined, 'application/problem+json')
  async register(
    @Request() request: HttpRequest,
    @Body() body: unknown,
    @Query() probe = false,
    @Query() replace = false,
  ): Promise<RegisterResponse> {
    const { spec } = parseRegistration(body)
    const principal = principalOf(request)
    requireAllowed(principal, { scope: 'registry:write', template: spec.template })
    requireMayStart(principal, this.#services.stdio, spec, 'instance.profile')
    const { registry } = this.#services
    const { status, instance } = await registry.register(body, { by: changeBy(request, this.#services), replace })
    this.setStatus(status === 'created' ? 201 : 200)
    const report = probe ? await this.#probe(instance.template, instance.id) : undefined
    return { ...this.#registered(status, instance.template, instance.id), probe: report }
  }

  /**
   * The instance takes no new calls at once and goes when its calls have ended: 202, or 200 when it was idle. What a registry
   * file declares comes back when the file is read again; the answer says so (`returns`).
   * @summary Deregister an instance
   * @param force Do not wait for calls in flight; they fail
   */
  @Delete('deregister/{template}/{instance_id}')
  @Security('gateway', ['registry:write'])
  @Response<DeregisterResponse>(202, 'Calls are still in flight')
  @Response<Problem>(404, 'Unknown template or instance', undefined, 'application/problem+json')
  async deregister(
    @Request() request: HttpRequest,
    @Path() template: string,
    @Path() instance_id: string,
    @Query() force = false,
  ): Promise<DeregisterResponse> {
    const { registry, gateway, connections, sync } = this.#services
    await this.#services.countAll()
    const inFlight = gateway.inFlightOf(template, instance_id)
    const { source } = await registry.deregister(template, instance_id, changeBy(request, this.#services))
    if (force) await connections.cut(template, instance_id)
    else connections.forget(template, instance_id)
    const returns = sync.reads(source)
    const more = returns ? `; ${source} still declares it and brings it back when it is read again` : ''
    const name = `${template}/${instance_id}`
    if (force || inFlight === 0) return { message: `${name} is removed${more}`, in_flight: 0, source, returns }
    this.setStatus(202)
    const message = `${name} takes no new calls and is removed when its calls have ended${more}`
    return { message, in_flight: inFlight, source, returns }
  }

  /**
   * Registry and users, with the hashes of their passwords: keep it as you keep these. Secrets of instances (headers,
   * environment, certificates) are left out, the header `X-Omitted-Secrets` counts them; API keys do not travel (a backup
   * holds them), `X-Omitted-Api-Keys` counts them.
   * @summary Export registry and users
   */
  @Get('export')
  @Security('gateway', ['registry:write', 'users:admin', 'keys:admin'])
  async export(@Request() request: HttpRequest): Promise<ExportDocument> {
    const { registry, identity } = this.#services
    const { document, omitted } = exportRegistry(registry.state, new Date())
    const users: ExportedUser[] = []
    for (const user of identity.users.list(actorOf(request, this.#services))) {
      users.push(userToWire(user, await identity.directory.store.passwordHash(user.name)))
    }
    this.setHeader('X-Omitted-Secrets', String(omitted.length))
    this.setHeader('X-Omitted-Api-Keys', String(identity.directory.state.keys.size))
    return withChecksum({ ...document, users })
  }

  /**
   * Takes a registry file, an `mcp.json`, a `server.json` or an export. Validated whole before anything is changed; never
   * removes, and leaves users alone that are there already. Templates and users in one transaction: all of it is in force, or
   * nothing.
   * @summary Import
   * @param dry_run Only say what would change
   */
  @Post('import')
  @Security('gateway', ['registry:write', 'users:admin', 'keys:admin'])
  @Response<Problem>(422, 'Not valid; every fault is listed', undefined, 'application/problem+json')
  async import(
    @Request() request: HttpRequest,
    @Body() body: unknown,
    @Query() dry_run = false,
  ): Promise<ImportResult> {
    const { registry, stdio, unit, identity } = this.#services
    const parts = importParts(body)
    requireMayImport(principalOf(request), stdio, parts.registry)
    const by = { by: changeBy(request, this.#services), actor: actorOf(request, this.#services) }
    const targets = { registry, users: identity.users, unit }
    const planned = await planTogether(targets, parts, by)
    return importResult(dry_run ? planned : await importTogether(targets, parts, by))
  }

  #registered(status: 'created' | 'unchanged' | 'replaced', template: string, id: string): RegisterResponse {
    const words = { created: 'registered', unchanged: 'was registered already', replaced: 'replaced' }
    const health = this.#services.gateway.templateHealth(template).instances[id]
    return {
      message: `${template}/${id} ${words[status]}`,
      template_name: template,
      instance_id: id,
      status: health?.status ?? 'starting',
    }
  }

  async #probe(template: string, id: string): Promise<ProbeReport> {
    const startedAt = performance.now()
    const result = await this.#services.gateway.probe(template, id)
    const duration_ms = Math.round(performance.now() - startedAt)
    if (result.verdict !== 'fit') return { ok: false, reason: result.reason, duration_ms }
    return { ok: true, endpoint: this.#services.gateway.resolvedUrl(template, id), duration_ms }
  }
}

function importResult({ registry, users }: ImportedTogether): ImportResult {
  const { added, changed, unchanged } = registry
  return {
    added: added.map(nameOf),
    changed: changed.map(nameOf),
    unchanged: unchanged.map(nameOf),
    ...(users === undefined ? {} : { users: { added: [...users.added], unchanged: [...users.unchanged] } }),
  }
}
