import { describe, expect, it } from '@jest/globals'
import { parseInstancePatch, parseLaunchProfiles, parseRegistration } from '../src/index.js'
import { body, faultsOf, http } from './support.js'

const faults = (input: unknown) => faultsOf(() => parseRegistration(input))
const instanceFaults = (instance: Record<string, unknown>) => faults(body('fs', instance))

describe('a registration', () => {
  it('reports every fault at once', async () => {
    const input = {
      template_name: 'Bad__Name',
      instance: {
        endpoint: 'ftp://x',
        command: 'y',
        weight: '2',
        colour: 'red',
        env: { NODE_OPTIONS: 'x' },
        max_in_flight: 0,
      },
      load_balancer: { strategy: 'fastest', timeout: 4_000, speed: 1 },
      more: true,
    }
    expect((await faults(input)).map((fault) => fault.split(':')[0]).toSorted()).toEqual([
      'instance.colour',
      'instance.endpoint',
      'instance.endpoint',
      'instance.env.NODE_OPTIONS',
      'instance.max_in_flight',
      'instance.weight',
      'load_balancer.speed',
      'load_balancer.strategy',
      'load_balancer.timeout',
      'more',
      'template_name',
    ])
  })

  it('says what is missing', async () => {
    expect(await faults({})).toEqual(['template_name: is required: a text', 'instance: is required: an object'])
    expect(await faults(null)).toEqual([': expected an object, got null'])
    expect(await faults([])).toEqual([': expected an object, got a list'])
    expect(await instanceFaults({})).toEqual([
      'instance.endpoint: is missing: give "endpoint" (a URL), "command" (a program) or "profile" (a launch profile of the gateway)',
    ])
  })

  it('names the known fields beside an unknown one', async () => {
    expect(await instanceFaults(http(1, { wieght: 2 }))).toEqual([
      expect.stringContaining('instance.wieght: unknown field; known fields are id, endpoint, command'),
    ])
  })

  it.each([
    ['2', 'expected a number, got the text "2" (write it without quotes)'],
    [-1, 'expected a number of at least 0, got the number -1'],
    [Number.NaN, 'expected a number, got the number NaN'],
    [Number.POSITIVE_INFINITY, 'expected a number, got the number Infinity'],
    [null, 'expected a number, got null'],
  ])('refuses the weight %p', async (weight, message) => {
    expect(await instanceFaults(http(1, { weight }))).toEqual([`instance.weight: ${message}`])
  })

  it.each(['a', 'a.b', 'fs-1', 'a_b', 'x'.repeat(32), '0'])('accepts the template name %p', async (name) => {
    expect(await faults(body(name, http(1)))).toEqual([])
  })

  it.each(['', 'A', 'a__b', 'a_', 'a..b', '.a', '-a', '_a', 'x'.repeat(33), 'a/b', 'é', 'a\n'])(
    'refuses the template name %p',
    async (name) => {
      expect(await faults(body(name, http(1)))).toEqual([expect.stringContaining('template_name: must be 1 to 32')])
    },
  )

  it.each(['', '.', '..', 'a/b', 'x'.repeat(129), 'a b', 'a\n'])('refuses the id %p', async (id) => {
    expect(await instanceFaults(http(1, { id }))).toEqual([expect.stringContaining('instance.id: must be 1 to 128')])
  })

  it.each([
    ['goes with a command', http(1, { args: ['x'], working_dir: '/x', env: {} }), ['args', 'working_dir', 'env']],
    ['goes with a URL', { command: 'x', headers: {}, transport: 'sse' }, ['headers', 'transport']],
  ])('refuses what %s on the other kind', async (_, instance, fields) => {
    expect((await instanceFaults(instance)).map((fault) => fault.split(':')[0])).toEqual(
      fields.map((field) => `instance.${field}`),
    )
  })

  it('refuses metadata that is too large, a relative folder and a bad region', async () => {
    expect(await instanceFaults(http(1, { metadata: { x: 'y'.repeat(20_000) } }))).toHaveLength(1)
    expect(await instanceFaults({ command: 'x', working_dir: 'app' })).toEqual([
      'instance.working_dir: must be an absolute path, got the text "app"',
    ])
    expect(await instanceFaults(http(1, { region: 'a b' }))).toHaveLength(1)
  })
})

describe('an endpoint', () => {
  it.each([
    ['localhost:7071', 'got the scheme "localhost:"'],
    ['nonsense', 'is not a URL'],
    ['', 'is not a URL'],
    ['file:///etc/passwd', 'must begin with http'],
    ['http://user:hunter2@host', 'must not hold a user name or password'],
    ['http://user@host', 'must not hold a user name or password'],
    ['http://host/#x', 'fragment'],
    ['http://host:0', 'port 0'],
    ['http://ho st', 'spaces'],
    ['http://host/\r\nx', 'control'],
    [`http://host/${'x'.repeat(2_050)}`, 'at most 2048'],
  ])('refuses %p', async (endpoint, message) => {
    const [fault, ...more] = await instanceFaults({ endpoint })
    expect(fault).toContain(message)
    expect(more).toEqual([])
    expect(fault).not.toContain('hunter2')
  })

  it.each([
    'http://169.254.169.254/latest',
    'http://169.254.169.254.',
    'http://2852039166',
    'http://0xA9FEA9FE',
    'http://0251.0376.0251.0376',
    'http://169.254.43518',
    'http://１６９.254.169.254',
    'http://169。254。169。254',
    'http://%31%36%39.254.169.254',
    'http://169.254.170.2',
    'http://[::ffff:169.254.169.254]',
    'http://[::ffff:a9fe:a9fe]',
    'http://[::a9fe:a9fe]',
    'http://[64:ff9b::a9fe:a9fe]',
    'http://[64:ff9b:1::a9fe:a9fe]',
    'http://[2002:a9fe:a9fe::1]',
    'http://[2001:0:1:2:3:4:5601:5601]',
    'http://[fd00:ec2::254]',
    'http://[FD00:0EC2:0:0:0:0:0:254]',
    'http://[fd20:ce::254]',
    'http://168.63.129.16',
    'http://0xa83f8110',
    'http://100.100.100.200:80',
    'http://192.0.0.192',
    'http://metadata.google.internal',
    'http://METADATA.google.internal.',
    'http://metadata/computeMetadata',
    'http://instance-data',
  ])('refuses the metadata service as %p', async (endpoint) => {
    expect(await instanceFaults({ endpoint })).toEqual([expect.stringContaining('metadata service')])
  })

  it.each([
    'http://localhost:7071',
    'https://mcp.example.com/a/b?c=d',
    'http://[::1]:8080/mcp',
    'http://[fe80::1]',
    'http://10.0.0.1',
    'http://169.253.1.1',
    'http://metadata.example.com',
    'http://[2001:db8::a9fe:1]',
  ])('accepts %p', async (endpoint) => {
    expect(await instanceFaults({ endpoint })).toEqual([])
  })
})

describe('headers and environment', () => {
  it.each(['Host', 'Content-Length', 'transfer-encoding', 'CONNECTION', 'Mcp-Session-Id', 'Accept'])(
    'refuses the header %p',
    async (name) => {
      expect(await instanceFaults(http(1, { headers: { [name]: 'x' } }))).toEqual([
        expect.stringContaining('is set by the gateway itself'),
      ])
    },
  )

  it('refuses names and values that could not be sent, and never repeats a value', async () => {
    const headers = {
      'a b': 'hunter2',
      'X-A': 'hunter2\r\nX-B: 1',
      'X-C': '☃hunter2',
      'X-D': 7,
      Authorization: 'x',
      AUTHORIZATION: 'y',
    }
    const found = await instanceFaults(http(1, { headers }))
    expect(found.map((fault) => fault.split(': ')[0])).toEqual([
      'instance.headers.X-D',
      'instance.headers.AUTHORIZATION',
    ])
    const texts = await instanceFaults(http(1, { headers: { ...headers, 'X-D': 'x', AUTHORIZATION: undefined } }))
    expect(texts.join()).not.toContain('hunter2')
  })

  it.each([
    'NODE_OPTIONS',
    'node_options',
    'LD_PRELOAD',
    'DYLD_INSERT_LIBRARIES',
    'BASH_ENV',
    'ENV',
    'PYTHONPATH',
    'PATH',
    'GIT_SSH_COMMAND',
    'npm_config_registry',
    'JAVA_TOOL_OPTIONS',
    'PERL5OPT',
    'RUBYOPT',
  ])('refuses the variable %p', async (name) => {
    expect(await instanceFaults({ command: 'x', env: { [name]: 'hunter2' } })).toEqual([
      expect.stringContaining(`instance.env.${name}: cannot be set`),
    ])
  })

  it('accepts ordinary ones and tells a number from a text without repeating it', async () => {
    expect(await instanceFaults({ command: 'x', env: { API_KEY: 'a b', _x1: '' } })).toEqual([])
    expect(await instanceFaults({ command: 'x', env: { PIN: 1234 } })).toEqual([
      'instance.env.PIN: expected a text, got a number',
    ])
    expect(await instanceFaults({ command: 'x', env: { '1X': '', 'A-B': '' } })).toHaveLength(2)
  })
})

describe('a patch of an instance', () => {
  it('reports every fault', async () => {
    const found = await faultsOf(() => parseInstancePatch({ weight: 'x', state: 'off', id: 'b' }))
    expect(found.map((fault) => fault.split(':')[0])).toEqual(['weight', 'state', 'id'])
    expect(await faultsOf(() => parseInstancePatch({}))).toEqual([': nothing to change: give weight, state or reset'])
  })
})

describe('a launch profile', () => {
  it('is named alone: what is started stands in the local configuration', async () => {
    const { spec } = parseRegistration(body('fs', { profile: 'files', weight: 2 }))
    expect(spec.attach).toEqual({ kind: 'profile', profile: 'files' })
    const more = {
      profile: 'files',
      args: ['x'],
      env: { A: 'b' },
      working_dir: '/',
      headers: { a: 'b' },
      transport: 'http',
    }
    expect((await instanceFaults(more)).map((fault) => fault.split(':')[0]).toSorted()).toEqual(
      ['args', 'env', 'headers', 'transport', 'working_dir'].map((name) => `instance.${name}`),
    )
    expect(await instanceFaults({ profile: 'files', command: 'sh' })).toEqual([
      expect.stringContaining('instance.command: only one can be given'),
    ])
    expect(await instanceFaults({ profile: '../x' })).toEqual([expect.stringContaining('instance.profile: must be')])
  })

  it('is a command with its companions, and a fault leaves out only its own', () => {
    const { profiles, faults } = parseLaunchProfiles({
      profiles: {
        files: { command: 'node "a b.js"', args: ['-x'], working_dir: '/srv', env: { TOKEN: 't' } },
        'a/b': { command: 'x' },
        none: {},
        loader: { command: 'x', env: { LD_PRELOAD: 'y' }, colour: 1 },
      },
    })
    expect([...profiles]).toEqual([
      ['files', { kind: 'stdio', command: 'node', args: ['a b.js', '-x'], workingDir: '/srv', env: { TOKEN: 't' } }],
    ])
    expect(faults.map(({ path }) => path).toSorted()).toEqual([
      'profiles.loader.colour',
      'profiles.loader.env.LD_PRELOAD',
      'profiles.none.command',
      'profiles["a/b"]',
    ])
    expect(parseLaunchProfiles([]).faults).toHaveLength(1)
  })
})

describe('certificates of an instance', () => {
  const CERT = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
  const KEY = '-----BEGIN EC PRIVATE KEY-----\nsecret-canary\n-----END EC PRIVATE KEY-----\n'
  const https = (tls: unknown) => ({ endpoint: 'https://example.test', tls })

  it('are an authority, a certificate with its key, or both', () => {
    const { spec } = parseRegistration(body('fs', https({ ca: CERT, cert: CERT, key: KEY })))
    expect(spec.attach).toMatchObject({ kind: 'http', tls: { ca: CERT, cert: CERT, key: KEY } })
  })

  it('are refused where they mean nothing, and never repeated', async () => {
    const found = [
      await instanceFaults(https({})),
      await instanceFaults(https({ cert: CERT })),
      await instanceFaults(https({ ca: KEY })),
      await instanceFaults(https({ cert: CERT, key: { secret: KEY } })),
      await instanceFaults({ endpoint: 'http://example.test', tls: { ca: CERT } }),
      await instanceFaults({ command: 'x', tls: { ca: CERT } }),
    ]
    for (const faults of found) expect(faults).toEqual([expect.stringMatching(/^instance\.tls/)])
    expect(JSON.stringify(found)).not.toContain('secret-canary')
  })
})
