// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of mcp.json look like that
import { describe, expect, it } from '@jest/globals'
import { parseRegistryFile } from '../src/index.js'

describe('the root key templates', () => {
  it('loads the format of the seed, text or value', () => {
    const document = {
      templates: {
        filesystem: {
          instances: [
            { id: 'fs-1', endpoint: 'http://localhost:7071', weight: 2 },
            { command: 'python "my server.py"', working_dir: '/app', env: { TOKEN: 'x' } },
          ],
          load_balancer: { strategy: 'weighted', health_check_interval: 15, max_retries: 2, timeout: 30 },
        },
      },
    }
    const file = parseRegistryFile(JSON.stringify(document), 'registry.json')
    expect(file).toMatchObject({
      faults: [],
      templates: [
        {
          name: 'filesystem',
          settings: {
            strategy: 'weighted',
            healthCheckIntervalMs: 15_000,
            maxRetries: 2,
            timeouts: { totalMs: 30_000 },
          },
        },
      ],
      specs: [
        { template: 'filesystem', id: 'fs-1', weight: 2, attach: { kind: 'http', url: 'http://localhost:7071' } },
        {
          attach: { kind: 'stdio', command: 'python', args: ['my server.py'], workingDir: '/app', env: { TOKEN: 'x' } },
        },
      ],
    })
    expect(parseRegistryFile(document, 'registry.json')).toEqual(file)
  })

  it('reports bad entries by path and keeps the others', () => {
    const file = parseRegistryFile(
      {
        templates: {
          'Bad Name': { instances: [] },
          list: [],
          web: { instances: 'none' },
          fs: {
            load_balancer: { strategy: 'fastest' },
            instances: [
              { id: 'a', endpoint: 'http://localhost:1' },
              { id: 'b', endpoint: 'ftp://localhost', weight: '2' },
              { id: 'a', endpoint: 'http://localhost:3' },
              { id: 'c', endpoint: 'http://localhost:4' },
            ],
          },
        },
        extra: 1,
      },
      'registry.json',
    )
    expect(file.specs.map((spec) => spec.id)).toEqual(['a', 'c'])
    expect(file.templates).toEqual([
      { name: 'web', settings: {} },
      { name: 'fs', settings: {} },
    ])
    expect(file.faults.map((fault) => fault.path)).toEqual([
      'extra',
      'templates["Bad Name"]',
      'templates.list',
      'templates.web.instances',
      'templates.fs.load_balancer.strategy',
      'templates.fs.instances[1].endpoint',
      'templates.fs.instances[1].weight',
      'templates.fs.instances[2].id',
    ])
  })

  it('refuses what is not JSON, or of no known format', () => {
    for (const content of ['{"templates":', '[]', '{}', '{"templates":[]}']) {
      expect(() => parseRegistryFile(content, 'r.json')).toThrow(
        expect.objectContaining({ code: 'REGISTRY_FILE_UNREADABLE' }),
      )
    }
  })
})

describe('mcp.json', () => {
  const env = { TOKEN: 't0ken', HOST: 'example.test', EMPTY: '' }

  it('makes one template of each server and expands variables', () => {
    const file = parseRegistryFile(
      {
        mcpServers: {
          'My Files': {
            command: '/opt/my tools/run',
            args: ['--host', '${HOST:-localhost}'],
            env: { TOKEN: '${TOKEN}' },
          },
          remote: {
            type: 'http',
            url: 'https://${HOST}/mcp',
            headers: { Authorization: 'Bearer ${env:TOKEN}' },
            gallery: true,
          },
          off: { command: 'x', disabled: true },
          port: { url: 'http://${NO_HOST:-localhost}:${EMPTY:-81}' },
        },
      },
      'mcp.json',
      { env },
    )
    expect(file.faults).toEqual([])
    expect(file.specs).toMatchObject([
      {
        template: 'my-files',
        attach: { command: '/opt/my tools/run', args: ['--host', 'example.test'], env: { TOKEN: 't0ken' } },
      },
      {
        template: 'remote',
        attach: { url: 'https://example.test/mcp', transport: 'http', headers: { authorization: 'Bearer t0ken' } },
      },
      { template: 'port', attach: { url: 'http://localhost:81' } },
    ])
  })

  it("reads VS Code's servers, and reports what it cannot expand", () => {
    const file = parseRegistryFile(
      {
        servers: {
          ok: { type: 'stdio', command: 'npx', args: ['-y', 'server'] },
          asks: { url: 'http://localhost', headers: { 'X-Key': '${input:key}' } },
          lacks: { url: 'http://localhost:1/${MISSING}' },
          Ok: { command: 'npx' },
        },
        inputs: [],
      },
      'mcp.json',
    )
    expect(file.specs.map((spec) => spec.template)).toEqual(['ok'])
    expect(file.faults).toEqual([
      { path: 'servers.asks.headers.X-Key', message: '${input:key} cannot be expanded' },
      { path: 'servers.lacks.url', message: expect.stringContaining('${MISSING} is not set') },
      { path: 'servers.Ok', message: 'becomes the template ok, as ok does' },
    ])
  })
})

describe('server.json', () => {
  it('takes the remotes', () => {
    const file = parseRegistryFile(
      { name: 'io.example/weather', remotes: [{ type: 'streamable-http', url: 'https://weather.example/mcp' }] },
      'server.json',
    )
    expect(file).toMatchObject({
      faults: [],
      specs: [{ template: 'weather', attach: { kind: 'http', url: 'https://weather.example/mcp', transport: 'http' } }],
    })
  })

  it('starts an npm package, and reports other kinds and missing inputs', () => {
    const file = parseRegistryFile(
      {
        name: 'io.example/weather',
        packages: [
          { registryType: 'npm', identifier: '@example/weather', version: '1.2.3' },
          { registryType: 'oci', identifier: 'example/weather' },
          { registryType: 'pypi', identifier: 'w', environmentVariables: [{ name: 'KEY', isRequired: true }] },
        ],
      },
      'server.json',
    )
    expect(file.specs).toMatchObject([{ attach: { command: 'npx', args: ['-y', '@example/weather@1.2.3'] } }])
    expect(file.faults.map((fault) => fault.path)).toEqual([
      'packages[1].registryType',
      'packages[2].environmentVariables[0]',
    ])
  })
})
