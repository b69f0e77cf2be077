import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Sealer } from '../src/index.js'

const key = (kid: string) => ({ kid, key: randomBytes(32) })

describe('Sealer', () => {
  it('opens what it sealed, for the same purpose only', () => {
    const sealer = new Sealer([key('a')])
    const sealed = sealer.seal('session', { template: 'files', instance: 'one' })
    expect(sealed).toMatch(/^v1\.a\.[\w-]+$/)
    expect(sealer.open('session', sealed)).toEqual({ template: 'files', instance: 'one' })
    expect(sealer.open('request-state', sealed)).toBeUndefined()
  })

  it('opens with an older key of the ring and not with a foreign one', () => {
    const old = key('old')
    const sealed = new Sealer([old]).seal('cursor', { at: 1 })
    expect(new Sealer([key('new'), old]).open('cursor', sealed)).toEqual({ at: 1 })
    expect(new Sealer([key('old')]).open('cursor', sealed)).toBeUndefined()
  })

  it('opens nothing that was changed in a single character', () => {
    const sealer = new Sealer([key('a')])
    const sealed = sealer.seal('session', { n: 7 })
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.stringMatching(/^[A-Za-z0-9_.-]$/), (at, character) => {
        fc.pre(sealed[at] !== character)
        const forged = sealed.slice(0, at) + character + sealed.slice(at + 1)
        expect(sealer.open('session', forged)).toBeUndefined()
      }),
    )
  })

  it('opens nothing that was cut or made up', () => {
    const sealer = new Sealer([key('a')])
    const sealed = sealer.seal('session', { n: 7 })
    for (let length = 0; length < sealed.length; length++) {
      expect(sealer.open('session', sealed.slice(0, length))).toBeUndefined()
    }
    fc.assert(fc.property(fc.string(), (text) => sealer.open('session', text) === undefined))
  })
})
