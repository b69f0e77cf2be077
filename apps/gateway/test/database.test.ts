import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { tempDir } from '@mcp-platform/test-kit'
import { parseDatabaseUrl } from '../src/database/url.js'
import { openStores } from '../src/index.js'

describe('database URLs', () => {
  it.each([
    ['sqlite:///var/lib/gateway.db', { kind: 'sqlite', file: '/var/lib/gateway.db' }],
    ['sqlite:////var/lib/gateway.db', { kind: 'sqlite', file: '/var/lib/gateway.db' }],
    ['sqlite:gateway.db', { kind: 'sqlite', file: 'gateway.db' }],
    ['sqlite::memory:', { kind: 'sqlite', file: ':memory:' }],
    ['sqlite:///:memory:', { kind: 'sqlite', file: ':memory:' }],
    ['postgres://u@h/n', { kind: 'postgres', url: 'postgres://u@h/n' }],
    ['mssql://u@h/n?encrypt=false', { kind: 'mssql', url: 'mssql://u@h/n?encrypt=false' }],
    ['oracle://u:p@h:1521/service', { kind: 'oracle', url: 'oracle://u:p@h:1521/service' }],
    ['mariadb://u@h/n', { kind: 'mysql', url: 'mysql://u@h/n' }],
  ])('%s', (url, expected) => {
    expect(parseDatabaseUrl(url)).toEqual(expected)
  })

  it.each(['sqlite:', 'sqlite:///', 'postgresql:name', 'mssql:name', 'mongodb://h/n'])('%s is refused', (url) => {
    expect(() => parseDatabaseUrl(url)).toThrow(/database: /)
  })
})

describe('the stores', () => {
  it('come up on a new file, and again on the same', async () => {
    const file = join((await tempDir()).path, 'new', 'gateway.db')
    const database = `sqlite://${file}`
    const stores = await openStores({ database })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const put = { op: 'put-template', template: { name: 't', settings: {} } } as const
    await stores.registry.commit({ action: 'test', operations: [put] }, { actor: 'test' })
    await stores.close()
    const again = await openStores({ database, schema: 'require' })
    expect([...(await again.registry.load()).templates.keys()]).toEqual(['t'])
    expect(await again.circuits.load()).toEqual([])
    await again.close()
  })
})
