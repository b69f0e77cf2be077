import { describe, expect, it } from '@jest/globals'
import type { Problem } from '@mcp-platform/contract'
import { reportOf } from '../src/output/error-report.js'

function refusal(facts: Partial<Problem>): { problem: Problem } {
  const problem = {
    type: 'about:blank',
    title: 't',
    status: 422,
    detail: 'd',
    code: 'VALIDATION_FAILED',
    request_id: 'r',
  }
  return { problem: { ...problem, ...facts } }
}

describe('reportOf', () => {
  const command = 'gateway register'

  it('says a single fault once', () => {
    const errors = [{ path: 'weight', message: 'must be positive' }]
    expect(reportOf(refusal({ detail: 'weight: must be positive', errors }), { command }).details).toEqual([])
  })

  it('says a single fault that the sentence does not hold', () => {
    const errors = [{ path: 'weight', message: 'must be positive' }]
    expect(reportOf(refusal({ detail: 'refused', errors }), { command }).details).toEqual(['weight: must be positive'])
  })

  it('counts several faults and gives each a line', () => {
    const errors = [
      { path: 'a', message: 'is wrong' },
      { path: '', message: 'is bad' },
    ]
    const { message, details } = reportOf(refusal({ detail: 'a: is wrong; is bad', errors }), { command })
    expect({ message, details }).toEqual({ message: '2 faults:', details: ['a: is wrong', 'is bad'] })
  })

  it('advises to replace what is the own, and another id for what a file owns', () => {
    const taken = { status: 409, code: 'CONFLICT', template: 'notes' }
    expect(reportOf(refusal(taken), { command }).next).toBe('mcpp gateway register … --replace')
    expect(reportOf(refusal({ ...taken, source: 'file:/r.json' }), { command }).next).toBe(
      'mcpp gateway register notes … --id OTHER_ID',
    )
  })

  it.each<[code: string, command: string, next: string]>([
    ['USER_EXISTS', 'gateway create-user', 'mcpp gateway list-users'],
    ['USER_NOT_FOUND', 'gateway set-role', 'mcpp gateway list-users'],
    ['API_KEY_NOT_FOUND', 'gateway revoke-api-key', 'mcpp gateway list-api-keys'],
    ['RESOURCE_NOT_FOUND', 'gateway read', 'mcpp gateway resources notes'],
    ['UPSTREAM_METHOD_NOT_FOUND', 'gateway prompts', 'mcpp gateway tools notes'],
  ])('shows after %s of "%s" what there is', (code, command, next) => {
    expect(reportOf(refusal({ status: 404, code, template: 'notes' }), { command }).next).toBe(next)
  })

  it('shows the prompts after one that is refused', () => {
    const refused = refusal({ code: 'UPSTREAM_INVALID_PARAMS', template: 'notes' })
    expect(reportOf(refused, { command: 'gateway prompt' }).next).toBe('mcpp gateway prompts notes')
    expect(reportOf(refused, { command: 'gateway call' }).next).toBe('mcpp gateway call --help')
  })
})
