// Bodies of register, import and PATCH reach their controllers as `unknown`, so that core-registry can report every fault
// at once. tsoa has no schema for them; these are merged into the document by the `spec` option.

const text = { type: 'string' }
const seconds = { type: 'number', minimum: 0, description: 'Seconds' }
const count = { type: 'integer', minimum: 0 }
const flag = { type: 'boolean' }
const texts = { type: 'array', items: text }
const textMap = { type: 'object', additionalProperties: text }
const protocol = { type: 'string', enum: ['auto', 'legacy', 'modern'] }
const strategy = {
  type: 'string',
  enum: ['round_robin', 'least_connections', 'weighted', 'health_based', 'random', 'peak_ewma', 'rendezvous'],
}

const loadBalancer = {
  strategy,
  health_check_interval: seconds,
  health_check_timeout: seconds,
  max_retries: count,
  timeout: seconds,
  max_in_flight: count,
  queue_size: count,
  queue_timeout: seconds,
}

const schemas = {
  InstanceBody: closed({
    id: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,128}$' },
    endpoint: { type: 'string', description: 'URL of the server; one of this, `command`, `profile`' },
    command: {
      type: 'string',
      description: 'Program to start, quotes honoured, never a shell; one of this, `endpoint`, `profile`',
    },
    args: texts,
    working_dir: text,
    env: textMap,
    profile: { type: 'string', description: 'Launch profile of the gateway; one of this, `endpoint`, `command`' },
    headers: textMap,
    tls: {
      ...closed({ ca: text, cert: text, key: text }),
      description: 'Certificates in PEM for this server; `cert` and `key` go together',
    },
    transport: { type: 'string', enum: ['auto', 'http', 'sse', 'stdio'] },
    protocol,
    weight: { type: 'number', minimum: 0 },
    max_in_flight: { type: 'integer', minimum: 1 },
    region: text,
    metadata: { type: 'object', additionalProperties: true },
  }),
  LoadBalancerBody: closed(loadBalancer),
  RegisterBody: {
    ...closed({ template_name: text, instance: ref('InstanceBody'), load_balancer: ref('LoadBalancerBody') }),
    required: ['template_name', 'instance'],
    example: { template_name: 'filesystem', instance: { endpoint: 'http://127.0.0.1:7071' } },
  },
  TemplateSettingsBody: {
    ...closed({
      load_balancer: closed(nullable(loadBalancer)),
      timeouts: closed(
        nullable({ connect: seconds, first_byte: seconds, call_first_byte: seconds, idle: seconds, total: seconds }),
      ),
      health_check: { type: 'object', nullable: true, description: '`kind` is `mcp`, `tool`, `http` or `command`' },
      failover: closed(
        nullable({
          trust_annotations: flag,
          refusal_is_before_execution: flag,
          retry_reads: flag,
          tools: { type: 'object', additionalProperties: { type: 'string', enum: ['safe', 'never'] } },
        }),
      ),
      affinity: {
        ...closed({ by: { type: 'string', enum: ['header', 'principal', 'argument'] }, name: text }),
        nullable: true,
      },
      stdio: closed(
        nullable({
          pool_size: { type: 'integer', minimum: 1 },
          sharing: { type: 'string', enum: ['shared', 'per_principal', 'exclusive'] },
          idle_stop: seconds,
        }),
      ),
      protocol: { ...protocol, nullable: true },
      audit: { type: 'string', enum: ['off', 'calls', 'calls_with_arguments'], nullable: true },
      alias: { type: 'string', maxLength: 16, nullable: true },
      max_answer_bytes: { type: 'integer', nullable: true },
    }),
    example: { load_balancer: { strategy: 'least_connections' } },
  },
  InstanceChangeBody: {
    ...closed({
      weight: { type: 'number', minimum: 0, nullable: true },
      state: { type: 'string', enum: ['active', 'draining', 'disabled'], nullable: true },
      reset: { type: 'boolean', description: 'Takes both overrides back' },
    }),
    example: { weight: 2 },
  },
  ImportBody: {
    type: 'object',
    description: 'A registry file (root key `templates`), an `mcp.json`, a `server.json` or an export',
    additionalProperties: true,
    example: { templates: { filesystem: { instances: [{ endpoint: 'http://127.0.0.1:7071' }] } } },
  },
}

/** The contract's fragment with the bodies of management added. */
export function bodySchemas(fragment) {
  return {
    paths: {
      ...fragment.paths,
      '/gateway/register': { post: body('RegisterBody') },
      '/gateway/import': { post: body('ImportBody') },
      '/gateway/templates/{template}': { patch: body('TemplateSettingsBody') },
      '/gateway/templates/{template}/instances/{instance_id}': { patch: body('InstanceChangeBody') },
    },
    components: { schemas: { ...fragment.components.schemas, ...schemas } },
  }
}

function body(name) {
  return { requestBody: { required: true, content: { 'application/json': { schema: ref(name) } } } }
}

function closed(properties) {
  return { type: 'object', properties, additionalProperties: false }
}

function nullable(properties) {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, { ...schema, nullable: true }]))
}

function ref(name) {
  return { $ref: `#/components/schemas/${name}` }
}
