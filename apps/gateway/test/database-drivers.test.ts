import { describe, expect, it } from '@jest/globals'
import { loadDrivers } from '../src/database/driver-package.js'
import { configOf } from '../src/database/mssql.js'
import { connectionOf } from '../src/database/oracle.js'
import { openStores } from '../src/index.js'

const POOL = { size: 7, acquireMs: 1_000, statementMs: 3_000 }

describe('drivers', () => {
  it('that are missing are named with the command that installs them', async () => {
    // Typed as a plain name: the checker would look for the package.
    const absent: string = 'no-such-driver'
    const load = () => import(absent)
    await expect(loadDrivers('SQL Server', ['pg', absent], load)).rejects.toMatchObject({
      code: 'DATABASE_DRIVER_MISSING',
      message: 'SQL Server needs the packages pg and no-such-driver; install with "npm install pg no-such-driver"',
    })
    await expect(loadDrivers('MySQL', [absent], load)).rejects.toThrow(
      'MySQL needs the package no-such-driver; install with "npm install no-such-driver"',
    )
  })

  it.each(['postgres', 'mysql', 'mssql', 'oracle'])(
    'of %s say in one sentence that no server is there',
    async (kind) => {
      const refused = openStores({ database: `${kind}://user:S3cret@127.0.0.1:1/name`, pool: POOL })
      await expect(refused).rejects.toMatchObject({
        code: 'DATABASE_UNREACHABLE',
        message: expect.stringContaining(`${kind}://user:***@127.0.0.1:1/name`),
      })
      await expect(refused).rejects.not.toThrow('S3cret')
    },
  )

  it('of SQL Server get what the URL says, encrypted unless it says otherwise', () => {
    expect(configOf('mssql://sa:a%40b@db/mcpp', POOL)).toMatchObject({
      server: 'db',
      authentication: { options: { userName: 'sa', password: 'a@b' } },
      options: { port: 1433, database: 'mcpp', encrypt: true, trustServerCertificate: false, requestTimeout: 3_000 },
    })
    const local = 'mssql://sa:x@db:1533/mcpp?encrypt=false&trustServerCertificate=true'
    expect(configOf(local, POOL).options).toMatchObject({ port: 1533, encrypt: false, trustServerCertificate: true })
  })

  it('of Oracle get what the URL says, and nothing that means more than a name', () => {
    expect(connectionOf('oracle://u:p%2F@db:1522/FREEPDB1?protocol=tcps')).toEqual({
      user: 'u',
      password: 'p/',
      connectString:
        '(DESCRIPTION=(ADDRESS=(PROTOCOL=tcps)(HOST=db)(PORT=1522))(CONNECT_DATA=(SERVICE_NAME=FREEPDB1)))',
    })
    expect(() => connectionOf('oracle://u@db/x)(SERVER=evil')).toThrow(/is not a URL like oracle:/)
  })
})
