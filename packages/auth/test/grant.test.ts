import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  coversGrant,
  decide,
  type Grant,
  grantOf,
  intersectGrants,
  matchesGlob,
  type Principal,
  type Scope,
} from '../src/index.js'

const glob = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*'), maxLength: 5 })
const name = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 6 })
const globs = fc.option(fc.array(glob, { maxLength: 3 }), { nil: undefined })
const scopes = fc.subarray<Scope>(['tools:read', 'tools:call', 'registry:write']).map((list) => new Set(list))
const grant: fc.Arbitrary<Grant> = fc.record({ scopes, templates: globs, tools: globs })
const action = fc.record({
  scope: fc.constantFrom<Scope>('tools:read', 'tools:call', 'registry:write'),
  template: name,
  tool: name,
})
const holder = (of: Grant): Principal => ({ id: 'x', kind: 'user', name: 'x', ...of })

describe('grants', () => {
  it('cover only what they allow: no action is allowed by the inner one alone', () => {
    fc.assert(
      fc.property(grant, grant, action, (outer, inner, wanted) => {
        if (!coversGrant(outer, inner) || !decide(holder(inner), wanted).allowed) return
        expect(decide(holder(outer), wanted).allowed).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  it('cover themselves and what is narrower', () => {
    fc.assert(fc.property(grant, (any) => coversGrant(any, any)))
    const user = grantOf({ role: 'user', scopes: [] })
    expect(coversGrant(user, { ...user, templates: ['fs-*'] })).toBe(true)
    expect(coversGrant({ ...user, templates: ['fs-*'] }, { ...user, templates: ['fs-a*', 'fs-'] })).toBe(true)
    expect(coversGrant({ ...user, templates: ['fs-*'] }, user)).toBe(false)
    expect(coversGrant({ ...user, templates: ['fs-*'] }, { ...user, templates: ['f*'] })).toBe(false)
    expect(coversGrant({ ...user, tools: [] }, { ...user, tools: ['x'] })).toBe(false)
    expect(coversGrant(user, grantOf({ role: 'user', scopes: ['registry:exec'] }))).toBe(false)
  })

  it('meet in what both allow, never in more', () => {
    fc.assert(
      fc.property(grant, grant, action, (a, b, wanted) => {
        const both = decide(holder(a), wanted).allowed && decide(holder(b), wanted).allowed
        if (decide(holder(intersectGrants(a, b)), wanted).allowed) expect(both).toBe(true)
      }),
      { numRuns: 3_000 },
    )
    const met = intersectGrants(
      { scopes: new Set(), templates: ['fs-*', 'db'] },
      { scopes: new Set(), templates: ['fs-1', 'd*'] },
    )
    expect(met.templates?.toSorted()).toEqual(['db', 'fs-1'])
  })

  it('have globs that are matched in linear time', () => {
    expect(matchesGlob(`${'a*'.repeat(60)}b`, 'a'.repeat(2_000))).toBe(false)
  })
})
