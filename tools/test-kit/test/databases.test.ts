import { afterEach, describe, expect, it } from '@jest/globals'
import { startMariadb, startPostgres, type TestDatabase } from '../src/databases/index.js'
import { startTcpProxy } from '../src/index.js'

let database: TestDatabase | undefined

afterEach(async () => {
  await database?.stop()
  database = undefined
})

describe('startPostgres', () => {
  it('runs a server that survives a crash with its databases', async () => {
    const found = await startPostgres()
    if (found.database === undefined) return console.warn(`skipped: ${found.reason}`)
    database = found.database
    const url = await database.createDatabase()
    if (database.controllable) {
      await database.kill9()
      await expect(selectOne(url)).rejects.toThrow()
      await database.resume()
    }
    expect(await selectOne(url)).toBe(1)
  })
})

describe('startMariadb', () => {
  it('runs a server that can be halted, resumed and reached through the proxy', async () => {
    const found = await startMariadb()
    if (found.database === undefined) return console.warn(`skipped: ${found.reason}`)
    database = found.database
    const url = new URL(await database.createDatabase())
    if (database.controllable) {
      await database.halt()
      await database.resume()
    }
    await using proxy = await startTcpProxy({ host: database.host, port: database.port })
    url.port = String(proxy.port)
    expect(await selectTwo(url.href)).toBe(2)
  })
})

async function selectOne(url: string): Promise<number> {
  const { Client } = (await import('pg')).default
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query('select 1 as one')
  await client.end()
  return rows[0].one
}

async function selectTwo(url: string): Promise<number> {
  const { createConnection } = await import('mysql2/promise')
  const connection = await createConnection(url)
  const [rows] = await connection.query('select 1 + 1 as two')
  await connection.end()
  return Array.isArray(rows) && 'two' in (rows[0] ?? {}) ? Object(rows[0]).two : 0
}
