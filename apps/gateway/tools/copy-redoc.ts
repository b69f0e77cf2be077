// Copies ReDoc's bundle to where the gateway serves it from, and takes out its one reference to a CDN: the logo in the
// corner. A page of ours must work without any network, and must not tell anybody that it was opened.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

const LOGO = 'https://cdn.redoc.ly/redoc/logo-mini.svg'
const EMPTY_IMAGE = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='
// Tests run the sources, the package runs `dist`.
const TARGETS = ['../src/generated/', '../dist/generated/']

const bundle = await readFile(createRequire(import.meta.url).resolve('redoc/bundles/redoc.standalone.js'), 'utf8')
if (!bundle.includes(LOGO)) throw new Error(`ReDoc's bundle no longer holds ${LOGO}: look for what it loads now`)
for (const target of TARGETS) {
  const folder = new URL(target, import.meta.url)
  await mkdir(folder, { recursive: true })
  await writeFile(new URL('redoc.standalone.js', folder), bundle.replaceAll(LOGO, EMPTY_IMAGE))
}
