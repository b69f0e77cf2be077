import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { anonymous, decide, localAdmin, matchesGlob, type Principal, roleScopes } from '../src/index.js'

const narrowed: Principal = {
  id: 'key:1',
  kind: 'key',
  name: 'one',
  scopes: roleScopes.user,
  templates: ['files-*'],
  tools: ['read_*', 'list'],
}

describe('decide', () => {
  it('refuses what the scopes do not name', () => {
    expect(decide(anonymous, { scope: 'registry:write' })).toEqual({
      allowed: false,
      reason: 'scope',
      missing: 'registry:write',
    })
  })

  it('keeps a grant within its templates and tools', () => {
    expect(decide(narrowed, { scope: 'tools:call', template: 'files-a', tool: 'read_file' }).allowed).toBe(true)
    expect(decide(narrowed, { scope: 'tools:call', template: 'db', tool: 'read_file' })).toMatchObject({
      reason: 'template',
    })
    expect(decide(narrowed, { scope: 'tools:call', template: 'files-a', tool: 'write' })).toMatchObject({
      reason: 'tool',
    })
  })

  it('lets an empty allow-list mean nobody', () => {
    expect(decide({ ...narrowed, templates: [] }, { scope: 'tools:call', template: 'files-a' }).allowed).toBe(false)
  })

  it('grants registry:exec to no role', () => {
    for (const scopes of Object.values(roleScopes)) expect(scopes.has('registry:exec')).toBe(false)
    expect(localAdmin({ mayExecute: true }).scopes.has('registry:exec')).toBe(true)
    expect(localAdmin({ mayExecute: false }).scopes.has('registry:exec')).toBe(false)
  })
})

describe('matchesGlob', () => {
  it('agrees with the regular expression it stands for', () => {
    const part = fc.stringMatching(/^[ab*]{0,8}$/)
    fc.assert(
      fc.property(part, fc.stringMatching(/^[ab]{0,10}$/), (pattern, name) => {
        const regex = new RegExp(`^${pattern.split('*').join('.*')}$`)
        expect(matchesGlob(pattern, name)).toBe(regex.test(name))
      }),
    )
  })
})
