import { createServer } from 'node:http'
import { anonymous, decide } from '@mcp-platform/auth'
import { MemoryRegistryStore, Registry } from '@mcp-platform/core-registry'
import { NodeChildBudget } from '@mcp-platform/mcp-upstream'
import { connector, Gateway } from '@mcp-platform/gateway-core'
const by = { actor: 't' }
const registry = new Registry({ store: new MemoryRegistryStore() }); await registry.load()
await registry.register({ template_name: 'bench', instance: { endpoint: process.argv[2] } }, { by })
let n = 0
const onEvent = () => { n++ }
const gateway = new Gateway({ registry, connect: connector({ guard: { allowLoopback: true }, children: new NodeChildBudget(), onEvent }), authenticate: () => anonymous, decide, onEvent })
await gateway.start()
const server = createServer((q, r) => gateway.handle(q, r, 'x'))
server.listen(Number(process.argv[3]), '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))
