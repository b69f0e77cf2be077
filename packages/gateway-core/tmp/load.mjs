import net from 'node:net'
const [port, conns, seconds, mode] = [Number(process.argv[2]), Number(process.argv[3]), Number(process.argv[4]), process.argv[5]]
const bodyOf = (i) => mode === 'rest' ? JSON.stringify({ name: 'ping', arguments: { n: i } }) : JSON.stringify({ jsonrpc: '2.0', id: i, method: 'tools/call', params: { name: 'ping', arguments: { n: i }, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {}, 'io.modelcontextprotocol/clientInfo': { name: 'b', version: '1' } } } })
const path = mode === 'rest' ? '/mcp/bench/tools/call' : mode === 'direct' ? '/mcp' : '/mcp/bench'
let done = 0, bad = 0; const lat = []
const end = Date.now() + seconds * 1000
await Promise.all(Array.from({ length: conns }, () => new Promise((res) => {
  const s = net.connect(port, '127.0.0.1'); s.setNoDelay(true); let i = 1, t = 0, buf = ''
  const send = () => { if (Date.now() > end) { s.destroy(); return res() } const b = bodyOf(i++); t = performance.now(); s.write(`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: ping\r\ncontent-length: ${Buffer.byteLength(b)}\r\n\r\n${b}`) }
  s.on('data', (d) => { buf += d.toString('latin1'); const h = buf.indexOf('\r\n\r\n'); if (h < 0) return; const m = /content-length: (\d+)/i.exec(buf.slice(0, h)); if (!m) { bad++; console.log(buf); process.exit(1) } if (buf.length < h + 4 + Number(m[1])) return; if (!buf.startsWith('HTTP/1.1 200')) { bad++; if (bad < 3) console.log(buf) } buf = ''; done++; lat.push(performance.now() - t); send() })
  send()
})))
lat.sort((a, b) => a - b)
console.log(mode, 'req/s', Math.round(done / seconds), 'p50', lat[lat.length >> 1].toFixed(3), 'p99', lat[Math.floor(lat.length * .99)].toFixed(3), 'bad', bad)
