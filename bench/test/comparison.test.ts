import { describe, expect, it } from '@jest/globals'
import type { Contestant } from '../contestants.ts'
import type { CaseResult } from '../measure/rounds.ts'
import { SCENES } from '../peers/scenes.ts'
import { compare } from '../report/comparison.ts'
import { comparisonTables } from '../report/comparison-table.ts'

const [scene] = SCENES.filter(({ name }) => name === 'stdio-legacy')
const latencyMs = { p50: 1, p99: 2, max: 3 }

function contestant(name: string): Contestant {
  return { name, upstream: 'null-stdio', dialect: 'legacy', url: 'http://127.0.0.1:1/mcp', tool: 'ping', guest: false }
}

function result(name: string, rates: readonly number[], cpuMicroseconds: number, error?: string): CaseResult {
  const samples = rates.map((requestsPerSecond) => ({
    ...{ requests: requestsPerSecond, seconds: 1, wrong: 0, latencyMs, foreignShare: 0 },
    ...{ requestsPerSecond, cpuMicroseconds },
  }))
  return { contestant: contestant(name), connections: 16, samples, error }
}

function comparison(results: readonly CaseResult[]) {
  if (scene === undefined) throw new TypeError('there is no such scene')
  const absent = [{ name: 'gone 1.0.0', why: 'the npm registry has no gone@1.0.0 (E404)' }]
  return compare({ scene, contestants: results.map((one) => one.contestant), absent }, results)
}

describe('a comparison', () => {
  const slowSecondRound = [
    result('direct', [40, 20], 0),
    result('peer 1', [4, 1], 600),
    result('gateway', [20, 10], 100),
  ]

  it('divides round by round, so that a slow round is slow for both', () => {
    const [direct, peer] = comparison(slowSecondRound).rows
    expect(direct?.gateway).toEqual({ times: { median: 0.5, low: 0.5, high: 0.5 }, cpuTimes: undefined })
    expect(peer?.gateway).toEqual({ times: { median: 7.5, low: 5, high: 10 }, cpuTimes: 6 })
  })

  it('shows who is absent, who answered wrongly and who came too late, with the reasons and without a number', () => {
    const wrong = result('wrong 1', [5], 1, '3 wrong answers: HTTP 500')
    const { rows } = comparison([...slowSecondRound, wrong, result('late 1', [], 0)])
    expect(rows.slice(3)).toEqual([
      { name: 'wrong 1', error: '3 wrong answers: HTTP 500' },
      { name: 'late 1', error: 'the run was stopped before its first round' },
      { name: 'gone 1.0.0', error: 'the npm registry has no gone@1.0.0 (E404)' },
    ])
    const text = comparisonTables([comparison([...slowSecondRound, wrong])])
    expect(text).toMatch(/\| wrong 1 +\| not measured \| – /)
    expect(text).toContain('- `gone 1.0.0` was not measured: the npm registry has no gone@1.0.0 (E404)')
  })

  it('compares nobody with a gateway that answered wrongly', () => {
    const [peer, gateway] = comparison([result('peer 1', [4], 600), result('gateway', [], 0, 'HTTP 503')]).rows
    expect([peer?.gateway, gateway?.error]).toEqual([undefined, 'HTTP 503'])
  })
})
