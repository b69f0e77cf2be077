import {
  type AuditEventView,
  type AuditVerification,
  type BatchCall,
  type BatchItem,
  type BatchResult,
  type CallResult,
  type CompleteRequest,
  type CompleteResult,
  type DeregisterResponse,
  type ExplainView,
  type ExportDocument,
  type GatewayEventWire,
  type GatewayHealth,
  type GatewayReport,
  type GatewayStats,
  type GetPromptResult,
  type ImportResult,
  type InstancePatch,
  type InstanceView,
  type LoginRequest,
  type MeView,
  type Prompt,
  type PromptsList,
  paths,
  type ReadResourceResult,
  type RegisterRequest,
  type RegisterResponse,
  type RegistryView,
  type Resource,
  type ResourcesList,
  type ResourceTemplate,
  type ResourceTemplatesList,
  type SyncResult,
  type TemplateHealth,
  type TemplateSettingsPatch,
  type TemplatesList,
  type TemplateView,
  type Tool,
  type ToolsList,
} from '@mcp-platform/contract'
import { Api, type RequestOptions } from './api.js'
import { ApiKeys } from './api-keys.js'
import { type AuditOptions, auditEvents } from './audit.js'
import { followEvents } from './gateway-events.js'
import { changePassword, login, logout, refresh } from './login.js'
import type { GatewayClientOptions } from './options.js'
import type { SessionTokens } from './session-store.js'
import { type CallToolOptions, type CallToolsOptions, callTool, callTools } from './tool-calls.js'
import { Users } from './users.js'

/** How to register an instance. */
export interface RegisterOptions extends RequestOptions {
  /** Take the place of an instance with the same id and another specification. @default false */
  readonly replace?: boolean | undefined
  /** Wait for the first probe and report it. @default false */
  readonly probe?: boolean | undefined
}

/** How to remove an instance. */
export interface DeregisterOptions extends RequestOptions {
  /** Do not wait for calls in flight. @default false */
  readonly force?: boolean | undefined
}

/** How to run discovery. */
export interface SyncOptions extends RequestOptions {
  /** Only say what would be done. @default false */
  readonly dryRun?: boolean | undefined
}

/** How to import a document. */
export interface ImportOptions extends RequestOptions {
  /** Only say what would be done. @default false */
  readonly dryRun?: boolean | undefined
}

/**
 * One gateway, over its REST API. Cheap to make and safe to share; close it when done (`await using`, or `close()`).
 *
 * Every method rejects with a `GatewayError` (the gateway said no), a `GatewayUnreachableError`, a `GatewayTimeoutError`,
 * a `BadAnswerError`, a `ClientClosedError`, or with the reason of the `signal` it was given.
 * Lists and reads are repeated when the gateway is unreachable or overloaded; tool calls and changes are sent once.
 */
export class GatewayClient implements AsyncDisposable {
  /** Users, for administrators. */
  readonly users: Users
  /** API keys: one's own, or everybody's. */
  readonly apiKeys: ApiKeys
  readonly #api: Api

  /** @throws RangeError or TypeError that names the bad option */
  constructor(options: GatewayClientOptions) {
    this.#api = new Api(options)
    this.users = new Users(this.#api)
    this.apiKeys = new ApiKeys(this.#api)
  }

  /**
   * Logs in; from then on every request carries the access token, which is renewed when it ends. The tokens are kept in the
   * `sessionStore`. @throws NotAuthenticatedError, RateLimitedError; TypeError when the client was given another credential
   */
  login(username: string, password: string, options: RequestOptions = {}): Promise<SessionTokens> {
    const request: LoginRequest = { username, password }
    return login(this.#api, request, options)
  }

  /** Renews the tokens now; not needed where the client is left to it. @throws SessionEndedError */
  refresh(options: RequestOptions = {}): Promise<SessionTokens> {
    return refresh(this.#api, options)
  }

  /** Ends the login, here and at the gateway; nothing happens when nobody is logged in. */
  logout(options: RequestOptions = {}): Promise<void> {
    return logout(this.#api, options)
  }

  /** Who the gateway takes the caller for, and what they may do. */
  me(options?: RequestOptions): Promise<MeView> {
    return this.#api.read(paths.me, options)
  }

  /** Changes one's own password. All logins of the user end; this client logs in again by itself. */
  changePassword(current: string, next: string, options: RequestOptions = {}): Promise<void> {
    return changePassword(this.#api, { current, next }, options)
  }

  /** The audit trail, the newest event first; further pages are fetched as they are needed. Needs audit:read. */
  audit(options: AuditOptions = {}): AsyncGenerator<AuditEventView> {
    return auditEvents(this.#api, options)
  }

  /** Checks the hash chains of the audit trail; names the first bad record. */
  verifyAudit(options?: RequestOptions): Promise<AuditVerification> {
    return this.#api.read(paths.auditVerify, options)
  }

  /** The tools of a template that the caller may call, as their server gave them. */
  async listTools(template: string, options?: RequestOptions): Promise<Tool[]> {
    const { tools } = await this.#api.read<ToolsList>(paths.toolsList(template), options)
    return [...tools]
  }

  /** Runs a tool. `isError: true` in the result is the tool's own failure and no rejection. */
  callTool(
    template: string,
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    options: CallToolOptions = {},
  ): Promise<CallResult> {
    return callTool(this.#api, template, { name, arguments: args }, options)
  }

  /** Runs 1 to 100 tools at once; the results come in the order of the calls, and one that fails, fails alone. */
  async callTools(template: string, calls: readonly BatchCall[], options: CallToolsOptions = {}): Promise<BatchItem[]> {
    const { results }: BatchResult = await callTools(this.#api, template, calls, options)
    return [...results]
  }

  /** The resources of a template. */
  async listResources(template: string, options?: RequestOptions): Promise<Resource[]> {
    const { resources } = await this.#api.read<ResourcesList>(paths.resourcesList(template), options)
    return [...resources]
  }

  /** The resource templates (URIs with gaps) of a template. */
  async listResourceTemplates(template: string, options?: RequestOptions): Promise<ResourceTemplate[]> {
    const path = paths.resourceTemplatesList(template)
    const { resourceTemplates } = await this.#api.read<ResourceTemplatesList>(path, options)
    return [...resourceTemplates]
  }

  /** The content of a resource. */
  readResource(template: string, uri: string, options?: RequestOptions): Promise<ReadResourceResult> {
    return this.#api.ask(paths.resourcesRead(template), { uri }, options)
  }

  /** The prompts of a template. */
  async listPrompts(template: string, options?: RequestOptions): Promise<Prompt[]> {
    const { prompts } = await this.#api.read<PromptsList>(paths.promptsList(template), options)
    return [...prompts]
  }

  /** A prompt, filled in. */
  getPrompt(
    template: string,
    name: string,
    args: Readonly<Record<string, string>> = {},
    options?: RequestOptions,
  ): Promise<GetPromptResult> {
    return this.#api.ask(paths.promptsGet(template), { name, arguments: args }, options)
  }

  /** Completions of an argument of a prompt or a resource template. */
  complete(template: string, request: CompleteRequest, options?: RequestOptions): Promise<CompleteResult> {
    return this.#api.ask(paths.complete(template), request, options)
  }

  /** Health of the instances of a template, as last seen; starts no probe. */
  templateHealth(template: string, options?: RequestOptions): Promise<TemplateHealth> {
    return this.#api.read(paths.templateHealth(template), options)
  }

  /** Whether the gateway serves, and how many instances are healthy. Needs no credential. */
  gatewayHealth(options?: RequestOptions): Promise<GatewayHealth> {
    return this.#api.read(paths.gatewayHealth, options)
  }

  /** Counters of gateway, templates and instances since the start. */
  stats(options?: RequestOptions): Promise<GatewayStats> {
    return this.#api.read(paths.stats, options)
  }

  /** What the gateway knows of itself that somebody may have to act on. Needs metrics:read. */
  report(options?: RequestOptions): Promise<GatewayReport> {
    return this.#api.read(paths.report, options)
  }

  /** All templates with their instances. */
  registry(options?: RequestOptions): Promise<RegistryView> {
    return this.#api.read(paths.registry, options)
  }

  /** All templates with their settings. */
  async templates(options?: RequestOptions): Promise<TemplateView[]> {
    const { templates } = await this.#api.read<TemplatesList>(paths.templates, options)
    return [...templates]
  }

  /** One template with its settings. */
  template(template: string, options?: RequestOptions): Promise<TemplateView> {
    return this.#api.read(paths.template(template), options)
  }

  /** Changes settings of a template; `null` sets one back to its default. */
  updateTemplate(template: string, patch: TemplateSettingsPatch, options?: RequestOptions): Promise<TemplateView> {
    return this.#api.change({ method: 'PATCH', path: paths.template(template), body: patch }, options)
  }

  /** Registers an instance. The same id with the same specification changes nothing and is no error. */
  register(request: RegisterRequest, options: RegisterOptions = {}): Promise<RegisterResponse> {
    const { replace, probe } = options
    return this.#api.change({ method: 'POST', path: paths.register, query: { replace, probe }, body: request }, options)
  }

  /** Removes an instance; calls in flight may end first, unless forced. */
  deregister(template: string, instanceId: string, options: DeregisterOptions = {}): Promise<DeregisterResponse> {
    const path = paths.deregister(template, instanceId)
    return this.#api.change({ method: 'DELETE', path, query: { force: options.force } }, options)
  }

  /** Changes weight or state of an instance; `null` sets it back to what was registered. */
  updateInstance(
    template: string,
    instanceId: string,
    patch: InstancePatch,
    options?: RequestOptions,
  ): Promise<InstanceView> {
    return this.#api.change({ method: 'PATCH', path: paths.instance(template, instanceId), body: patch }, options)
  }

  /** Takes an instance out of the rotation; calls in flight end normally. */
  drain(template: string, instanceId: string, options?: RequestOptions): Promise<InstanceView> {
    return this.updateInstance(template, instanceId, { state: 'draining' }, options)
  }

  /** Puts an instance back into the rotation. */
  enable(template: string, instanceId: string, options?: RequestOptions): Promise<InstanceView> {
    return this.updateInstance(template, instanceId, { state: 'active' }, options)
  }

  /** Runs discovery now. */
  sync({ dryRun, ...options }: SyncOptions = {}): Promise<SyncResult> {
    return this.#api.change({ method: 'POST', path: paths.sync, query: { dry_run: dryRun } }, options)
  }

  /** Who would be picked now, and why nobody else. */
  explain(template: string, options?: RequestOptions): Promise<ExplainView> {
    return this.#api.read(paths.explain, options, { template })
  }

  /** The whole configuration as a document that `import` takes. */
  export(options?: RequestOptions): Promise<ExportDocument> {
    return this.#api.read(paths.export, options)
  }

  /** Imports a registry file, `mcp.json`, `server.json` or an export: whole, or not at all. */
  import(document: unknown, { dryRun, ...options }: ImportOptions = {}): Promise<ImportResult> {
    return this.#api.change({ method: 'POST', path: paths.import, query: { dry_run: dryRun }, body: document }, options)
  }

  /**
   * What happens in the gateway, as it happens: health changes, ejections, registrations.
   * Ends when the gateway ends the stream; leaving the loop ends the request.
   */
  events(options: { readonly signal?: AbortSignal | undefined } = {}): AsyncGenerator<GatewayEventWire> {
    return followEvents(this.#api, options.signal)
  }

  /** Ends what is in flight (it rejects with ClientClosedError) and frees the connections. */
  close(): Promise<void> {
    return this.#api.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
