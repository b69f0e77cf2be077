import type { InstanceView, Problem, TemplatesList, TemplateView } from '@mcp-platform/contract'
import { GatewayError } from '@mcp-platform/gateway-core'
import { Body, Controller, Get, Patch, Path, Request, Response, Route, Security, Tags } from '@tsoa/runtime'
import type { Request as HttpRequest } from 'express'
import type { Services } from '../http/services.js'
import { requireMayRegisterCommand } from '../identity/stdio-mode.js'
import { changeBy, mayRead, principalOf } from './caller.js'
import { setsCommand } from './commands-of.js'

/** Templates and their settings. */
@Route('gateway/templates')
@Tags('Templates')
@Response<Problem>('default', 'An error as a problem document (RFC 9457)', undefined, 'application/problem+json')
export class TemplatesController extends Controller {
  readonly #services: Services

  constructor(services: Services) {
    super()
    this.#services = services
  }

  /** @summary All templates with their settings */
  @Get()
  @Security('gateway', ['registry:read'])
  list(@Request() request: HttpRequest): TemplatesList {
    const sees = mayRead(principalOf(request))
    const templates = this.#services.gateway.templates().filter(({ name }) => sees(name))
    return { templates, count: templates.length }
  }

  /** @summary One template with its settings */
  @Get('{template}')
  @Security('gateway', ['registry:read'])
  @Response<Problem>(404, 'Unknown template', undefined, 'application/problem+json')
  find(@Path() template: string): TemplateView {
    return this.#services.gateway.template(template)
  }

  /**
   * What is not named stays; `null` resets a setting or a group. Survives a reload of the registry file.
   * @summary Change settings of a template
   */
  @Patch('{template}')
  @Security('gateway', ['registry:write'])
  @Response<Problem>(404, 'Unknown template', undefined, 'application/problem+json')
  @Response<Problem>(422, 'Not valid; every fault is listed', undefined, 'application/problem+json')
  async change(
    @Request() request: HttpRequest,
    @Path() template: string,
    @Body() body: unknown,
  ): Promise<TemplateView> {
    const { registry, gateway, stdio } = this.#services
    if (setsCommand(body)) requireMayRegisterCommand(principalOf(request), stdio.stdioMode, template)
    await registry.updateTemplate(template, body, changeBy(request, this.#services))
    return gateway.template(template)
  }

  /**
   * Overrides `weight` and `state` of an instance; `null` takes an override back. Survives reconciling and reloads.
   * @summary Change an instance
   */
  @Patch('{template}/instances/{instance_id}')
  @Security('gateway', ['registry:write'])
  @Response<Problem>(404, 'Unknown template or instance', undefined, 'application/problem+json')
  @Response<Problem>(422, 'Not valid; every fault is listed', undefined, 'application/problem+json')
  async changeInstance(
    @Request() request: HttpRequest,
    @Path() template: string,
    @Path() instance_id: string,
    @Body() body: unknown,
  ): Promise<InstanceView> {
    await this.#services.registry.updateInstance(template, instance_id, body, changeBy(request, this.#services))
    return this.#view(template, instance_id)
  }

  #view(template: string, instanceId: string): InstanceView {
    const instances = this.#services.gateway.registryView().templates[template]?.instances ?? []
    const view = instances.find(({ id }) => id === instanceId)
    if (view !== undefined) return view
    throw new GatewayError('INSTANCE_NOT_FOUND', `template "${template}" no longer has the instance "${instanceId}"`, {
      template,
      instanceId,
    })
  }
}
