import { describe, expect, it } from '@jest/globals'
import { paths } from '../src/index.js'

describe('paths', () => {
  it('encodes what is not a plain name', () => {
    expect(paths.toolsList('file system/x')).toBe('/mcp/file%20system%2Fx/tools/list')
  })

  it('keeps the REST form apart from the native path', () => {
    expect(paths.mcp('fs')).toBe('/mcp/fs')
    expect(paths.templateHealth('fs')).toBe('/mcp/fs/health')
  })

  it.each(['', '.', '..'])('refuses %j, which a URL parser would resolve away', (name) => {
    expect(() => paths.deregister('fs', name)).toThrow(RangeError)
  })
})
