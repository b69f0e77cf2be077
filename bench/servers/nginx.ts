import { existsSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, launch, tempDir, waitFor } from '@mcp-platform/test-kit'
import { pinned } from '../measure/pinning.ts'
import type { BenchServer } from './server.ts'

const PLACES = [
  '/usr/sbin/nginx',
  '/usr/local/sbin/nginx',
  '/usr/bin/nginx',
  '/usr/local/bin/nginx',
  '/opt/homebrew/bin/nginx',
]

/** Where nginx is; undefined if it is not installed. */
export function findNginx(): string | undefined {
  return PLACES.find((path) => existsSync(path))
}

/** Starts nginx with one worker as a proxy before an upstream, with keep-alive on both sides. */
export async function startNginx(binary: string, upstream: string, core?: number): Promise<BenchServer> {
  const folder = await tempDir('mcpp-bench-nginx-')
  // Started as root, its worker runs as another user and must reach its folders for temporary files.
  await chmod(folder.path, 0o777)
  const port = await freePort()
  const file = join(folder.path, 'nginx.conf')
  await writeFile(file, configuration(folder.path, port, new URL(upstream)))
  const [command, args] = pinned(core, binary, ['-e', 'stderr', '-c', file, '-p', folder.path])
  const launched = await launch({ name: 'nginx', command, args })
  const url = `http://127.0.0.1:${port}/mcp`
  await waitFor(async () => (await fetch(url, { method: 'POST', body: '{}' })).body?.cancel().then(() => true), {
    what: `nginx did not answer (${launched.output()})`,
  })
  const stop = async (): Promise<void> => {
    await launched.stop()
    await folder.stop()
  }
  return { url, pid: launched.pid, stop }
}

function configuration(folder: string, port: number, upstream: URL): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  )
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  keepalive_requests 100000000;
  upstream mcp { server ${upstream.host}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://mcp;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }
  }
}
`
}
