import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { RegistryFile } from '../src/index.js'
import { fileSource, readRegistryFile, watchRegistryFile } from '../src/node.js'

let folder: string
let path: string
let stop: AbortController

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'registry-file-'))
  path = join(folder, 'registry.json')
  stop = new AbortController()
})

afterEach(async () => {
  stop.abort()
  await rm(folder, { recursive: true })
})

const text = (...ports: number[]): string =>
  JSON.stringify({ templates: { fs: { instances: ports.map((port) => ({ endpoint: `http://127.0.0.1:${port}` })) } } })

/** Follows the file and hands out one report after the other: ports, or the text of an error. */
async function follow(options: { pollMs?: number; debounceMs?: number } = {}) {
  const reports: string[] = []
  const waiting: ((report: string) => void)[] = []
  const push = (report: string): void => {
    const next = waiting.shift()
    if (next === undefined) reports.push(report)
    else next(report)
  }
  const onChange = (file: RegistryFile): void =>
    push(file.specs.map(({ attach }) => (attach.kind === 'http' ? new URL(attach.url).port : '')).join(','))
  const onError = (error: unknown): void => push(String(error))
  await watchRegistryFile(path, { onChange, onError, signal: stop.signal, debounceMs: 5, ...options })
  return (): Promise<string> => {
    const report = reports.shift()
    return report === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(report)
  }
}

describe('watchRegistryFile', () => {
  it('delivers the file at first and after each change', async () => {
    await writeFile(path, text(1))
    const next = await follow({ pollMs: 600_000 })
    expect(await next()).toBe('1')
    await writeFile(path, text(1, 2))
    expect(await next()).toBe('1,2')
  })

  it('sees an atomic replacement by rename, more than once', async () => {
    await writeFile(path, text(1))
    const next = await follow({ pollMs: 600_000 })
    expect(await next()).toBe('1')
    for (const port of [2, 3]) {
      await writeFile(`${path}.new`, text(port))
      await rename(`${path}.new`, path)
      expect(await next()).toBe(String(port))
    }
  })

  it('finds changes by polling where nothing is reported', async () => {
    await writeFile(path, text(1))
    const next = await follow({ pollMs: 10, debounceMs: 600_000 })
    expect(await next()).toBe('1')
    await writeFile(path, text(1, 2, 3))
    expect(await next()).toBe('1,2,3')
  })

  it('reports a half-written file and goes on', async () => {
    await writeFile(path, text(1))
    const next = await follow({ pollMs: 600_000 })
    expect(await next()).toBe('1')
    await writeFile(path, text(1, 2).slice(0, -5))
    expect(await next()).toMatch(/is not valid JSON \(line \d+ column \d+\)$/)
    await writeFile(path, text(1, 2))
    expect(await next()).toBe('1,2')
  })

  it('reports a missing file once, and delivers it when it comes', async () => {
    const next = await follow({ pollMs: 5 })
    expect(await next()).toContain('there is no such file')
    await writeFile(path, text(7))
    expect(await next()).toBe('7')
  })

  it('reports what onChange throws', async () => {
    await writeFile(path, text(1))
    const errors: unknown[] = []
    const failure = new Error('mine')
    const onChange = () => Promise.reject(failure)
    await watchRegistryFile(path, { onChange, onError: (error) => errors.push(error), signal: stop.signal })
    expect(errors).toEqual([failure])
  })

  it('does nothing when the signal is aborted already', async () => {
    stop.abort()
    const calls: unknown[] = []
    const push = (value: unknown): void => void calls.push(value)
    await watchRegistryFile(path, { onChange: push, onError: push, signal: stop.signal })
    expect(calls).toEqual([])
  })
})

describe('readRegistryFile', () => {
  it('reads once', async () => {
    await writeFile(path, `\uFEFF${text(1)}`)
    expect((await readRegistryFile(path)).specs).toHaveLength(1)
  })

  it('says what is wrong with a file that cannot be read', async () => {
    await expect(readRegistryFile(path)).rejects.toMatchObject({ code: 'REGISTRY_FILE_UNREADABLE', path })
    await expect(readRegistryFile(folder)).rejects.toThrow('cannot be read')
  })
})

describe('fileSource', () => {
  it('is the absolute path', () => {
    expect(fileSource('/etc/mcp/../registry.json')).toBe('file:/etc/registry.json')
  })
})
