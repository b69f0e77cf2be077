import { describe, expect, it } from '@jest/globals'
import { errorCodes, isErrorCode, rpcCodes } from '../src/index.js'

describe('errorCodes', () => {
  it('gives our own JSON-RPC codes the HTTP statuses of MCP.md', () => {
    const statuses = new Map<number, Set<number>>()
    for (const { rpcCode, status } of Object.values(errorCodes)) {
      statuses.set(rpcCode, (statuses.get(rpcCode) ?? new Set()).add(status))
    }
    expect([...(statuses.get(rpcCodes.outcomeUnknown) ?? [])]).toEqual([502, 504])
    expect([...(statuses.get(rpcCodes.unavailable) ?? [])]).toEqual([503])
    expect([...(statuses.get(rpcCodes.limited) ?? [])]).toEqual([429])
    expect([...(statuses.get(rpcCodes.timedOut) ?? [])]).toEqual([504])
    expect([...(statuses.get(rpcCodes.badUpstreamAnswer) ?? [])]).toEqual([502])
  })

  it('keeps our own JSON-RPC codes outside the range of the specification', () => {
    for (const code of Object.values(rpcCodes)) expect(code).toBeGreaterThan(-32000)
  })

  it('tells known codes from names that every object has', () => {
    expect(isErrorCode('TOOL_NOT_FOUND')).toBe(true)
    expect(isErrorCode('toString')).toBe(false)
  })
})
