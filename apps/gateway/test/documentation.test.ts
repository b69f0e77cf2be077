import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { start, type TestGateway } from './helpers.js'

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8')

describe('documentation', () => {
  let gateway: TestGateway

  beforeAll(async () => {
    gateway = await start()
  })

  it.each(['/docs/', '/redoc'])('%s loads nothing from anywhere else', async (path) => {
    const { status, headers, text } = await gateway.get(path)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toContain('text/html')
    const references = [...text.matchAll(/(?:src|href|spec-url)="([^"]*)"/g)].map(([, reference]) => reference ?? '')
    expect(references.length).toBeGreaterThan(1)
    for (const reference of references) {
      if (reference.startsWith('data:')) continue
      const url = new URL(reference, gateway.url + path)
      expect(url.origin).toBe(gateway.url)
      const loaded = await gateway.get(url.pathname)
      expect([reference, loaded.status]).toEqual([reference, 200])
    }
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).not.toMatch(/https?:/)
  })

  it("takes the CDN's logo out of ReDoc", async () => {
    const { text } = await gateway.get('/redoc/redoc.standalone.js')
    expect(text.length).toBeGreaterThan(500_000)
    expect(text).not.toContain('cdn.redoc.ly')
  })

  it('leads from the root to the pages', async () => {
    const { status, headers } = await gateway.get('/')
    expect([status, headers.get('location')]).toEqual([302, '/docs/'])
    expect((await gateway.get('/docs')).headers.get('location')).toBe('/docs/')
  })

  it('commits the document that the controllers and the contract make', async () => {
    const generated = JSON.parse(await read('../src/generated/openapi.json'))
    expect(JSON.parse(await read('../openapi.json'))).toEqual(generated)
    expect((await gateway.get('/openapi.json')).json).toEqual(generated)
  })

  it('shows what people come for first, each group with a sentence', async () => {
    const { json } = await gateway.get('/openapi.json')
    expect(json.tags.map(({ name }: { name: string }) => name)[0]).toBe('MCP')
    const used = new Set(Object.values<object>(json.paths).flatMap((path) => Object.values(path).flatMap(tagsOf)))
    expect(json.tags.map(({ name }: { name: string }) => name).sort()).toEqual([...used].sort())
    expect(Object.keys(json.paths)[0]).toMatch(/^\/mcp\//)
  })

  it('shows whole numbers as such, so that no sample is a 0.1', async () => {
    const { json } = await gateway.get('/openapi.json')
    expect(JSON.stringify(json)).not.toMatch(/"format":"(double|int32)"/)
    const { GatewayCounters, AuditTrailCheck, CountsByName, TemplatesList } = json.components.schemas
    expect(GatewayCounters.properties.requests_total).toEqual({ type: 'integer', minimum: 0 })
    expect(GatewayCounters.properties.error_rate.type).toBe('number')
    expect(AuditTrailCheck.properties.seq).toEqual({ type: 'integer', minimum: 0, nullable: true })
    expect(CountsByName.additionalProperties).toEqual({ type: 'integer', minimum: 0 })
    expect(TemplatesList.properties.count.type).toBe('integer')
  })

  it('names each operation once, and each way to be let in that it has', async () => {
    const { json } = await gateway.get('/openapi.json')
    const operations = Object.values<object>(json.paths).flatMap((path) =>
      Object.values(path).filter((operation) => !Array.isArray(operation)),
    )
    const ids = operations.map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    const schemes = new Set(operations.flatMap(({ security = [] }) => security.flatMap(Object.keys)))
    expect([...schemes].sort()).toEqual(Object.keys(json.components.securitySchemes).sort())
    expect(Object.keys(json.paths['/gateway/events'].get.responses['200'].content)).toEqual(['text/event-stream'])
  })

  it('describes management and MCP operations', async () => {
    const { json } = await gateway.get('/openapi.json')
    expect(json.openapi).toMatch(/^3\.0/)
    expect(Object.keys(json.paths)).toEqual(
      expect.arrayContaining([
        '/gateway/register',
        '/gateway/deregister/{template}/{instance_id}',
        '/gateway/templates/{template}/instances/{instance_id}',
        '/gateway/events',
        '/health/ready',
        '/mcp/{template}/tools/call',
        '/mcp/{template}/health',
      ]),
    )
    const references = [...JSON.stringify(json).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name)
    for (const name of references) expect(json.components.schemas).toHaveProperty([name ?? ''])
    expect(json.paths['/gateway/register'].post.requestBody.content['application/json'].schema).toEqual({
      $ref: '#/components/schemas/RegisterBody',
    })
  })
})

// Beside operations, a path has parameters.
function tagsOf(operation: { readonly tags?: readonly string[] }): readonly string[] {
  return operation.tags ?? []
}
