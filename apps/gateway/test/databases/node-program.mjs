// One gateway as a process of its own. Settings as JSON in argv; says where it answers, or why it cannot start.
import { readFile } from 'node:fs/promises'
import { startGateway } from '../../dist/index.js'

try {
  const gateway = await startGateway({ flags: JSON.parse(process.argv[2] ?? '{}') })
  const adminToken = (await readFile(gateway.adminTokenFile, 'utf8')).trim()
  process.stdout.write(`${JSON.stringify({ ready: true, url: gateway.url, adminToken })}\n`)
  process.once('SIGTERM', () => void gateway.close())
  await gateway.closed
} catch (error) {
  process.stdout.write(`${JSON.stringify({ ready: false, code: error.code, message: error.message })}\n`)
  process.exitCode = 1
}
