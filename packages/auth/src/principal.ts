/** One right. What may not be done with any of the caller's scopes is refused. */
export type Scope =
  | 'tools:read'
  | 'tools:call'
  | 'resources:read'
  | 'prompts:read'
  | 'registry:read'
  | 'registry:write'
  | 'registry:exec'
  | 'users:admin'
  | 'keys:admin'
  | 'audit:read'
  | 'metrics:read'

/** A set of scopes by name; `roleScopes` says which. */
export type Role = 'admin' | 'operator' | 'user' | 'auditor'

/** Who is calling, after authentication. Immutable. */
export interface Principal {
  /** Stable and unique over all kinds: `user:<name>`, `key:<id>`, `issuer:<iss>|<sub>`, `local-admin`, `anonymous`. */
  readonly id: string
  readonly kind: 'user' | 'key' | 'external' | 'local-admin' | 'anonymous'
  readonly name: string
  readonly scopes: ReadonlySet<Scope>
  /** Globs of template names the grant is narrowed to; absent: all. An empty list means none. */
  readonly templates?: readonly string[] | undefined
  /** Globs of tool names the grant is narrowed to; absent: all. */
  readonly tools?: readonly string[] | undefined
  /** Whose key it is: the id of the principal that answers for it. Absent for every other kind. */
  readonly owner?: string | undefined
}

/** What somebody wants to do, in the terms that permissions are written in. */
export type Action =
  | { readonly scope: Scope; readonly template?: undefined; readonly tool?: undefined }
  | { readonly scope: Scope; readonly template: string; readonly tool?: string | undefined }

/** The answer of `decide`. A refusal names the scope that was missing, or that the grant is too narrow. */
export type Decision =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reason: 'scope'; readonly missing: Scope }
  | { readonly allowed: false; readonly reason: 'template' | 'tool' }
