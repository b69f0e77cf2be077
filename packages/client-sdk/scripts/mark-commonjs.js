// The package is ESM ("type": "module"), and its second build in dist/cjs is not. Node decides by the nearest
// package.json, so that folder needs one of its own; without it `require('@mcp-platform/client')` fails.
import { writeFileSync } from 'node:fs'

writeFileSync(new URL('../dist/cjs/package.json', import.meta.url), '{ "type": "commonjs" }\n')
