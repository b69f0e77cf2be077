import { describe, expect, it } from '@jest/globals'
import { openApiFragment, paths } from '../src/index.js'

describe('openApiFragment', () => {
  it('describes every MCP operation of the REST form', () => {
    const operations = [
      paths.toolsList,
      paths.toolsCall,
      paths.toolsBatch,
      paths.resourcesList,
      paths.resourceTemplatesList,
      paths.resourcesRead,
      paths.promptsList,
      paths.promptsGet,
      paths.complete,
      paths.templateHealth,
    ].map((path) => path('T').replace('/T/', '/{template}/'))
    expect(Object.keys(openApiFragment.paths).sort()).toEqual(operations.sort())
  })

  it('refers only to schemas that it brings', () => {
    const text = JSON.stringify(openApiFragment)
    const used = new Set([...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name))
    const brought = new Set(Object.keys(openApiFragment.components.schemas))
    expect([...used].filter((name) => name === undefined || !brought.has(name))).toEqual([])
  })

  it('leaves results of servers open for members that nobody has thought of', () => {
    expect(openApiFragment.components.schemas['CallResult']).toMatchObject({ additionalProperties: true })
  })
})
