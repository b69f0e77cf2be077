import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { filesystemStdio, type TempDir, tempDir } from '@mcp-platform/test-kit'
import { type Harness, startGateway } from './support/harness.js'
import { rest } from './support/rest.js'

const CALLERS = 200

let folder: TempDir
let harness: Harness

beforeAll(async () => {
  folder = await tempDir()
  for (let index = 0; index < CALLERS; index++) await writeFile(join(folder.path, `${index}.txt`), `content ${index}`)
  const { command, args } = filesystemStdio(folder.path)
  harness = await startGateway({ filesystem: [{ id: 'one', command, args }] })
})

afterAll(async () => {
  await harness.stop()
  await folder.stop()
})

describe('200 callers of one stdio child at once', () => {
  it('are all served, each with its own answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: CALLERS }, (_, index) =>
        rest(harness.base, '/mcp/filesystem/tools/call', {
          name: 'read_text_file',
          arguments: { path: join(folder.path, `${index}.txt`) },
        }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: CALLERS }, () => 200))
    answers.forEach((answer, index) => {
      expect(answer.json['content']).toEqual([{ type: 'text', text: `content ${index}` }])
    })
    const started = harness.events.filter((event) => event.type === 'upstream' && event.event.type === 'child_started')
    // Two at most: one that found out about the era, one that serves.
    expect(started.length).toBeLessThanOrEqual(2)
  })
})
