import { describe, expect, it } from '@jest/globals'
import { everyAuthQuery } from './auth-queries.js'
import { recordedMssql, recordedOracle } from './recorded.js'

// The one row that must be found: the version.
const answer = (sql: string): object[] => (/^select .*"registry_version"/.test(sql) ? [{ v: '1', pruned: '0' }] : [])

describe('the stores of users, keys, tokens and audit (compiled, not run)', () => {
  it.each([
    ['SQL Server', 'mssql', recordedMssql, /\blimit\b|\bdual\b|fetch/],
    ['Oracle', 'oracle', recordedOracle, /\blimit\b|\btop\(| values \(.*\), \(|@\d|"actor" =/],
  ] as const)('say nothing to %s that only others understand', async (_name, dialect, make, foreign) => {
    const { db, statements } = make(answer)
    await everyAuthQuery(db, dialect)
    expect(statements).toMatchSnapshot()
    expect(statements.join('\n')).not.toMatch(foreign)
    expect(statements.join('\n')).not.toMatch(/on conflict|on duplicate key|\breturning\b|`|excluded\./)
  })
})
