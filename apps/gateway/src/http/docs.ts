import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import express, { type Router } from 'express'
import swaggerUi from 'swagger-ui-express'

const OPENAPI_FILE = new URL('../../openapi.json', import.meta.url)
// The bundle is copied here at build with its one outside reference taken out (tools/copy-redoc.ts).
const REDOC_FILE = new URL('../generated/redoc.standalone.js', import.meta.url)
const REDOC_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>MCP Platform gateway: API reference</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="icon" href="data:,">
    <style>body { margin: 0 }</style>
  </head>
  <body>
    <redoc spec-url="/openapi.json"></redoc>
    <script src="/redoc/redoc.standalone.js"></script>
  </body>
</html>
`

/** The OpenAPI document of this build. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, object>>
}

/** Reads the committed document; a test holds it equal to the generated one. */
export function readOpenApi(): OpenApiDocument {
  return JSON.parse(readFileSync(OPENAPI_FILE, 'utf8')) as OpenApiDocument
}

/** `/docs`, `/redoc` and `/openapi.json`. Everything comes from here; no page asks a CDN for anything. */
export function documentation(document: OpenApiDocument): Router {
  const router = express.Router({ strict: false })
  router.get('/openapi.json', (_request, response) => void response.json(document))
  router.get('/redoc', (_request, response) => void response.type('html').send(REDOC_PAGE))
  router.get('/redoc/redoc.standalone.js', (_request, response) => {
    response.sendFile(fileURLToPath(REDOC_FILE), { dotfiles: 'allow', maxAge: '1h' })
  })
  const page = swaggerUi.setup(undefined, {
    customSiteTitle: 'MCP Platform gateway: API',
    swaggerOptions: { url: '/openapi.json', validatorUrl: null },
  })
  router.use('/docs', swaggerUi.serve, page)
  return router
}
