import { expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { openStores } from '../../src/index.js'
import { onServers, refusedNode, startNode } from './support.js'

await onServers((server) => {
  it('is not touched by --no-migrate: an empty or old schema is refused in one sentence', async () => {
    const database = await server.createDatabase()
    const flags = { migrate: false }
    const refused = await refusedNode({ database, flags })
    expect(refused).toMatchObject({ code: 'SCHEMA_OUTDATED', exitCode: 1 })
    expect(refused.message).toMatch(/^the database schema is old .*mcpp gateway db migrate/)
    const untouched = await openStores({ database, schema: 'skip' })
    expect(await untouched.kysely.introspection.getTables()).toEqual([])
    await untouched.close()
    await (await openStores({ database })).close()
    await (await startNode({ database, flags })).stop()
  })

  it('is brought up by the next start when a migration was interrupted', async () => {
    const database = await server.createDatabase()
    const stores = await openStores({ database })
    // A step that is done but not written down, and one that is neither.
    await sql`delete from schema_migrations where name >= '009'`.execute(stores.kysely)
    await sql`drop table leases`.execute(stores.kysely)
    await stores.close()
    const node = await startNode({ database })
    expect((await node.get('/gateway/health')).json.database).toBe('ok')
    await node.stop()
    await (await openStores({ database, schema: 'require' })).close()
  })

  it('may be newer than a gateway that has all it needs: it goes on, and says so', async () => {
    const database = await server.createDatabase()
    const stores = await openStores({ database })
    const old = await startNode({ database })
    await sql`insert into schema_migrations (name, timestamp) values ('999_more', 'x')`.execute(stores.kysely)
    await sql`create table more (id integer)`.execute(stores.kysely)
    const registered = await old.admin('POST', '/gateway/register', {
      template_name: 'fs',
      instance: { id: 'a', endpoint: 'http://127.0.0.1:9' },
    })
    expect(registered.status).toBe(201)
    await old.stop()
    const again = await startNode({ database })
    expect((await again.get('/gateway/health')).json.database).toBe('ok')
    await again.stop()
    const opened = await openStores({ database })
    expect(opened.warning()).toMatch(/newer version \(999_more\)/)
    await opened.close()
    await stores.close()
  })

  it('refuses a gateway from which a newer version has taken what it needs', async () => {
    const database = await server.createDatabase()
    const stores = await openStores({ database })
    await sql`insert into schema_migrations (name, timestamp) values ('999_less.breaking', 'x')`.execute(stores.kysely)
    await stores.close()
    const refused = await refusedNode({ database })
    expect(refused).toMatchObject({ code: 'SCHEMA_NEWER', exitCode: 1 })
    expect(refused.message).toMatch(/999_less\.breaking.*upgrade this gateway/)
  })
})
