import type { ApiKeyRequest, ApiKeysList, IssuedApiKeyView, Problem, RotateApiKeyRequest } from '@mcp-platform/contract'
import {
  Body,
  Controller,
  Delete,
  Get,
  Path,
  Post,
  Request,
  Response,
  Route,
  Security,
  SuccessResponse,
  Tags,
} from '@tsoa/runtime'
import type { Request as HttpRequest } from 'express'
import type { Services } from '../http/services.js'
import { requireIdentified } from '../identity/access.js'
import { apiKeyView } from '../identity/views.js'
import { actorOf } from './caller.js'

/** API keys: one's own; everybody's with keys:admin. */
@Route('auth/api-keys')
@Tags('Identity')
@Response<Problem>('default', 'An error as a problem document (RFC 9457)', undefined, 'application/problem+json')
export class ApiKeysController extends Controller {
  readonly #services: Services

  constructor(services: Services) {
    super()
    this.#services = services
  }

  /** @summary The caller's API keys, everybody's with keys:admin */
  @Get()
  @Security('gateway', [])
  async list(@Request() request: HttpRequest): Promise<ApiKeysList> {
    const keys = await this.#services.identity.apiKeys.list(this.#actor(request))
    return { api_keys: keys.map(apiKeyView), count: keys.length }
  }

  /**
   * The answer shows the key, now and never again.
   * @summary Make an API key
   */
  @Post()
  @Security('gateway', [])
  @SuccessResponse(201, 'Made')
  async create(@Request() request: HttpRequest, @Body() body: ApiKeyRequest): Promise<IssuedApiKeyView> {
    const { name, role, scopes, templates, tools, cidrs, owner, expires_in } = body
    const issued = await this.#services.identity.apiKeys.create(
      {
        name,
        role: role ?? (scopes === undefined ? 'user' : undefined),
        scopes,
        templates,
        tools,
        cidrs,
        owner,
        lifetimeMs: typeof expires_in === 'number' ? expires_in * 1_000 : expires_in,
      },
      this.#actor(request),
    )
    this.setStatus(201)
    return this.#shown(issued)
  }

  /**
   * A new secret under the same id; the old one holds for a day more, or as long as `overlap` says.
   * @summary Rotate an API key
   */
  @Post('{id}/rotate')
  @Security('gateway', [])
  @Response<Problem>(404, 'Unknown API key', undefined, 'application/problem+json')
  async rotate(
    @Request() request: HttpRequest,
    @Path() id: string,
    @Body() body?: RotateApiKeyRequest,
  ): Promise<IssuedApiKeyView> {
    const overlapMs = body?.overlap === undefined ? undefined : body.overlap * 1_000
    return this.#shown(await this.#services.identity.apiKeys.rotate(id, this.#actor(request), { overlapMs }))
  }

  /** @summary Revoke an API key */
  @Delete('{id}')
  @Security('gateway', [])
  @SuccessResponse(204, 'Revoked')
  @Response<Problem>(404, 'Unknown API key', undefined, 'application/problem+json')
  async revoke(@Request() request: HttpRequest, @Path() id: string): Promise<void> {
    await this.#services.identity.apiKeys.revoke(id, this.#actor(request))
    this.setStatus(204)
  }

  #actor(request: HttpRequest): ReturnType<typeof actorOf> {
    const actor = actorOf(request, this.#services)
    requireIdentified(actor.principal)
    return actor
  }

  #shown({ key, text }: { key: Parameters<typeof apiKeyView>[0]; text: string }): IssuedApiKeyView {
    this.setHeader('Cache-Control', 'no-store')
    return { api_key: text, key: apiKeyView(key) }
  }
}
