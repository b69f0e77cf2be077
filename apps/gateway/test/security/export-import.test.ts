import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { startFaultServer } from '@mcp-platform/test-kit'
import Database from 'better-sqlite3'
import type { TestGateway } from '../helpers.js'
import { apiKey, as, loginToken, PASSWORD, startSecured, userToken } from './support.js'

// bcrypt of PASSWORD, cost 4, as another product has made it.
const BCRYPT = '$2b$04$B8dZ10odcNGbEVdzxTJgqOOW/1NkZbV/N0WPdkq7nqWW.dz5p.UC.'

describe('an export', () => {
  it('makes the same registry and users in a fresh gateway, who log in there; keys and secrets do not travel', async () => {
    const server = await startFaultServer()
    const first = await startSecured()
    const instance = { id: 'a', endpoint: server.url, weight: 2, headers: { 'x-secret': 'canary-of-export' } }
    await first.admin('POST', '/gateway/register', { template_name: 'fs', instance })
    await first.admin('PATCH', '/gateway/templates/fs', { load_balancer: { max_retries: 1 } })
    const admin = await userToken(first, 'anna', { role: 'admin' })
    await userToken(first, 'bob', { role: 'user', templates: ['fs'] })
    await first.admin('PATCH', '/auth/users/bob', { disabled: true })
    const { key } = await apiKey(first, { role: 'user' })
    const answer = await as(first, admin, 'GET', '/gateway/export')
    expect([answer.status, answer.headers.get('x-omitted-secrets'), answer.headers.get('x-omitted-api-keys')]).toEqual([
      200,
      '1',
      '1',
    ])
    const document = answer.json
    for (const secret of [PASSWORD, 'canary-of-export', key]) expect(answer.text).not.toContain(secret)
    expect(document.users).toMatchObject([
      { name: 'anna', role: 'admin', password_hash: expect.stringMatching(/^\$argon2id\$/) },
      { name: 'bob', role: 'user', templates: ['fs'], disabled: true },
    ])
    await first.close()

    const second = await startSecured()
    const planned = await second.admin('POST', '/gateway/import?dry_run=true', document)
    const expected = { added: [{ template_name: 'fs', instance_id: 'a' }], users: { added: ['anna', 'bob'] } }
    expect([planned.status, planned.json]).toEqual([200, expect.objectContaining({ added: expected.added })])
    expect((await second.admin('GET', '/auth/users')).json.users).toEqual([])
    expect((await second.admin('POST', '/gateway/import', document)).json).toMatchObject(expected)
    const token = await loginToken(second, 'anna')
    expect((await as(second, token, 'GET', '/gateway/templates/fs')).json.settings.load_balancer.max_retries).toBe(1)
    const bob = { username: 'bob', password: PASSWORD }
    expect((await as(second, undefined, 'POST', '/auth/login', bob)).status).toBe(401)
    expect((await as(second, key, 'GET', '/auth/me')).status).toBe(401)
    const again = await second.admin('POST', '/gateway/import', document)
    expect(again.json).toMatchObject({ added: [], users: { added: [], unchanged: ['anna', 'bob'] } })
    const { events } = (await second.admin('GET', '/auth/audit?action=user.import')).json
    expect(events).toMatchObject([{ actor: 'local-admin', details: { added: ['anna', 'bob'] } }])
    await second.close()
    await server.stop()
  })

  it('that is damaged, or names what cannot be, is refused with every fault and changes nothing', async () => {
    const gateway = await startSecured()
    const head = { format: 'mcp-platform-export', version: 1, exported_at: '2026-01-01T00:00:00Z' }
    const templates = { fs: { instances: [{ id: 'a', endpoint: 'http://127.0.0.1:9/mcp' }] } }
    const post = (more: object) => gateway.admin('POST', '/gateway/import', { ...head, templates, ...more })
    const exported = (await gateway.admin('GET', '/gateway/export')).json
    const changed = { ...exported, users: [{ name: 'eve', role: 'admin' }] }
    const damaged = await gateway.admin('POST', '/gateway/import', changed)
    expect([damaged.status, damaged.json.errors[0].path]).toEqual([422, 'checksum'])

    const alone = await gateway.admin('POST', '/gateway/import', { ...changed, version: 2, users: 'nobody', extra: 1 })
    expect(alone.json.errors.map(({ path }: { path: string }) => path)).toEqual(['checksum', 'version'])

    const wrong = await post({
      version: 2,
      templates: { fs: { instances: [{ endpoint: 'nowhere' }] } },
      users: [{ role: 'king', password: 'canary-in-a-document', name: 7 }, 'x'],
    })
    expect([wrong.status, wrong.json.errors.map(({ path }: { path: string }) => path).toSorted()]).toEqual([
      422,
      [
        'templates.fs.instances[0].endpoint',
        'users[0].name',
        'users[0].password',
        'users[0].role',
        'users[1]',
        'version',
      ],
    ])
    expect(wrong.text).not.toContain('canary-in-a-document')
    const hashes = [
      { name: 'Eve', role: 'user' },
      { name: 'eve', role: 'user', password_hash: 'md5:canary-of-a-hash' },
      { name: 'eve', role: 'user' },
    ]
    const unusable = await post({ users: hashes })
    expect([unusable.status, unusable.json.errors.map(({ path }: { path: string }) => path)]).toEqual([
      422,
      ['users[0].name', 'users[1].password_hash', 'users[2].name'],
    ])
    expect(unusable.text).not.toContain('canary-of-a-hash')

    const admin = await userToken(gateway, 'anna', { role: 'admin' })
    const exec = { users: [{ name: 'eve', role: 'admin', scopes: ['registry:exec'] }] }
    expect((await as(gateway, admin, 'POST', '/gateway/import', { ...head, templates, ...exec })).status).toBe(403)
    const users = (await gateway.admin('GET', '/auth/users')).json.users.map(({ name }: { name: string }) => name)
    expect(users).toEqual(['anna'])
    expect((await as(gateway, admin, 'GET', '/gateway/registry')).json.templates).toEqual({})
    await gateway.close()
  })

  it.each(['templates', 'users', 'audit_links'])(
    'is not in force in any part when the database refuses a row of %s, and whole when it is sent again',
    async (table) => {
      const gateway = await startSecured()
      const admin = await userToken(gateway, 'anna', { role: 'admin' })
      const head = { format: 'mcp-platform-export', version: 1, exported_at: '2026-01-01T00:00:00Z' }
      const templates = { fs: { instances: [{ id: 'a', endpoint: 'http://127.0.0.1:9/mcp' }] } }
      const document = { ...head, templates, users: [{ name: 'eve', role: 'user' }] }
      const held = await imported(gateway)
      const database = new Database(join(gateway.stateDir, 'gateway.db'), { timeout: 10_000 })
      try {
        database.exec(`create trigger refuse before insert on ${table} begin select raise(abort, 'refused'); end`)
        expect((await as(gateway, admin, 'POST', '/gateway/import', document)).status).toBeGreaterThanOrEqual(500)
        database.exec('drop trigger refuse')
      } finally {
        database.close()
      }
      expect(await imported(gateway)).toEqual(held)
      expect((await as(gateway, admin, 'POST', '/gateway/import', document)).status).toBe(200)
      const actions = ['registry.import', 'user.import']
      expect(await imported(gateway)).toEqual({ users: ['anna', 'eve'], templates: ['fs'], actions })
      await gateway.close()
    },
  )

  it('is made on what others have changed a moment ago, whole', async () => {
    const gateway = await startSecured()
    const head = { format: 'mcp-platform-export', version: 1, exported_at: '2026-01-01T00:00:00Z' }
    const document = (n: number) => {
      const instances = [{ id: `i${n}`, endpoint: `http://127.0.0.1:${n + 1}/mcp` }]
      return { ...head, templates: { [`t${n}`]: { instances } }, users: [{ name: `u${n}`, role: 'user' }] }
    }
    const numbers = [0, 1, 2, 3, 4]
    const answers = await Promise.all([
      ...numbers.map((n) => gateway.admin('POST', '/gateway/import', document(n))),
      ...numbers.map((n) => gateway.admin('POST', '/auth/users', { name: `other${n}`, role: 'user' })),
    ])
    expect(answers.map(({ status }) => status)).toEqual([...numbers.map(() => 200), ...numbers.map(() => 201)])
    const { users, templates, actions } = await imported(gateway)
    expect(templates).toEqual(numbers.map((n) => `t${n}`))
    expect(users).toEqual([...numbers.map((n) => `other${n}`), ...numbers.map((n) => `u${n}`)])
    expect(actions).toHaveLength(10)
    const onlyUsers = await gateway.admin('POST', '/gateway/import', { ...document(0), users: document(5).users })
    expect(onlyUsers.json).toMatchObject({ added: [], users: { added: ['u5'] } })
    const onlyRegistry = await gateway.admin('POST', '/gateway/import', { ...document(6), users: document(0).users })
    expect(onlyRegistry.json).toMatchObject({ added: [{ template_name: 't6' }], users: { added: [] } })
    await gateway.close()
  })

  it('may bring bcrypt hashes of another product; the first login makes them argon2id', async () => {
    const gateway = await startSecured()
    const head = { format: 'mcp-platform-export', version: 1, exported_at: '2026-01-01T00:00:00Z' }
    const users = [{ name: 'old', role: 'admin', password_hash: BCRYPT }]
    const made = await gateway.admin('POST', '/gateway/import', { ...head, templates: {}, users })
    expect(made.json.users).toEqual({ added: ['old'], unchanged: [] })
    await loginToken(gateway, 'old')
    const [user] = (await gateway.admin('GET', '/gateway/export')).json.users
    expect(user.password_hash).toMatch(/^\$argon2id\$/)
    await loginToken(gateway, 'old')
    await gateway.close()
  })
})

/** What imports have left in a gateway, and in its audit trail. */
async function imported(gateway: TestGateway) {
  const { users } = (await gateway.admin('GET', '/auth/users')).json
  const { templates } = (await gateway.admin('GET', '/gateway/registry')).json
  const { events } = (await gateway.admin('GET', '/auth/audit')).json
  const actions = events.map(({ action }: { action: string }) => action)
  return {
    users: users.map(({ name }: { name: string }) => name),
    templates: Object.keys(templates),
    actions: actions.filter((action: string) => action.endsWith('.import')).toSorted(),
  }
}
