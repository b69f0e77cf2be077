import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Stoppable, stoppable } from '@mcp-platform/test-kit'

/** An npm registry with one package in one version, and nothing else. */
export interface TestRegistry extends Stoppable {
  readonly url: string
}

/** Packs a package of one file in `folder`, and serves it. */
export async function startRegistry(folder: string, name: string, version: string): Promise<TestRegistry> {
  const tarball = await pack(folder, name, version)
  const server = createServer((request, response) => {
    if (request.url === `/${name}`) response.end(JSON.stringify(packument(name, version, base())))
    else if (request.url === `/${name}.tgz`) response.end(tarball)
    else response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Not found"}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const base = (): string => {
    const address = server.address()
    return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`
  }
  const stop = async (): Promise<void> => {
    server.close()
    server.closeAllConnections()
  }
  return { url: base(), ...stoppable(stop) }
}

async function pack(folder: string, name: string, version: string): Promise<Buffer> {
  await mkdir(join(folder, 'package'), { recursive: true })
  await writeFile(join(folder, 'package', 'package.json'), JSON.stringify({ name, version }))
  await promisify(execFile)('tar', ['-czf', 'package.tgz', 'package'], { cwd: folder })
  return readFile(join(folder, 'package.tgz'))
}

function packument(name: string, version: string, base: string): object {
  const manifest = { name, version, dist: { tarball: `${base}/${name}.tgz` } }
  return { name, 'dist-tags': { latest: version }, versions: { [version]: manifest } }
}
