import { describe, expect, it } from '@jest/globals'
import { within } from '../src/database/deadline.js'
import { isDatabaseFailure } from '../src/database/failure.js'
import { type DatabaseEvent, DatabaseWatch } from '../src/database/watch.js'

const down = (): Promise<never> => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))
const refused = (): Promise<never> => Promise.reject(new RangeError('not like this'))
const fine = async (): Promise<string> => 'fine'

function watching() {
  const events: DatabaseEvent['type'][] = []
  const clock = { now: 0 }
  const watch = new DatabaseWatch({ onEvent: ({ type }) => events.push(type), now: () => clock.now })
  return { watch, events, clock }
}

describe('the watch of the database', () => {
  it('says once that it is lost, and once that it is back', async () => {
    const { watch, events } = watching()
    expect(watch.state).toBe('ok')
    await expect(watch.read(down)).rejects.toThrow('down')
    await expect(watch.read(down)).rejects.toThrow('down')
    expect(watch.state).toBe('unavailable')
    expect(await watch.read(fine)).toBe('fine')
    expect(watch.state).toBe('ok')
    expect(events).toEqual(['database-lost', 'database-back'])
  })

  it('lets one write a second find out, and tells the others at once', async () => {
    const { watch, clock } = watching()
    let tries = 0
    const write = () =>
      watch.write(() => {
        tries += 1
        return down()
      })
    await expect(write()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await expect(write()).rejects.toMatchObject({ code: 'DATABASE_DOWN', cause: { code: 'ECONNREFUSED' } })
    expect(tries).toBe(1)
    clock.now = 1_000
    await expect(write()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(tries).toBe(2)
    clock.now = 2_000
    expect(await watch.write(fine)).toBe('fine')
    expect(await watch.write(fine)).toBe('fine')
  })

  it('is not content with reads when writes fail, as in a database that is read only', async () => {
    const { watch, clock } = watching()
    await expect(watch.write(down)).rejects.toThrow()
    await watch.read(fine)
    expect(watch.state).toBe('unavailable')
    clock.now = 1_000
    await watch.write(fine)
    expect(watch.state).toBe('ok')
  })

  it('takes a refusal for an answer', async () => {
    const { watch, events } = watching()
    await expect(watch.write(refused)).rejects.toThrow('not like this')
    expect([watch.state, events]).toEqual(['ok', []])
  })

  it('does not believe what was begun before the database was back', async () => {
    const { watch, clock } = watching()
    const slow = Promise.withResolvers<never>()
    const old = watch.read(() => slow.promise)
    clock.now = 10
    await expect(watch.read(down)).rejects.toThrow()
    clock.now = 20
    await watch.read(fine)
    slow.reject(Object.assign(new Error('late'), { code: 'ETIMEDOUT' }))
    await expect(old).rejects.toThrow('late')
    expect(watch.state).toBe('ok')
  })
})

describe('a failure of the database', () => {
  it.each([
    { code: 'SQLITE_FULL' },
    { code: '57P01' },
    { code: '25006' },
    { code: 'PROTOCOL_CONNECTION_LOST' },
    { code: 'ER_OPTION_PREVENTS_STATEMENT' },
    { errno: 1969 },
    { code: 'ESOCKET' },
    { code: 'ORA-03113' },
    { code: 'NJS-511' },
    { number: 3906 },
    { number: -2 },
    [{ code: 'ECONNREFUSED' }],
  ])('is %j', (error) => {
    expect(isDatabaseFailure(error)).toBe(true)
  })

  it.each([
    { code: '23505' },
    { code: 'SQLITE_CONSTRAINT' },
    { code: 'ER_DUP_ENTRY' },
    { code: 'ORA-00001' },
    { code: 'ENOENT', errno: -2 },
    {},
    undefined,
  ])('is not %j', (error) => {
    expect(isDatabaseFailure(error)).toBe(false)
  })
})

describe('a deadline', () => {
  it('rejects when it is over, ends the work, and takes what it brings after all', async () => {
    const work = Promise.withResolvers<string>()
    const seen: string[] = []
    const late = { what: 'the work', onLate: () => seen.push('ended'), onAfter: (value: string) => seen.push(value) }
    await expect(within(1, work.promise, late)).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
      message: 'the work took longer than 1 ms',
    })
    work.resolve('after all')
    await work.promise
    expect(seen).toEqual(['ended', 'after all'])
    expect(await within(60_000, Promise.resolve('now'), late)).toBe('now')
  })
})
