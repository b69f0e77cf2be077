// Configuration of tsoa: routes and OpenAPI document of the controllers. The MCP operations never enter Express, so tsoa
// cannot see them: their part of the document comes from the contract and is merged in here.
import { createRequire } from 'node:module'
import { openApiFragment } from '@mcp-platform/contract'
import { bodySchemas } from './tools/body-schemas.js'

const { version } = createRequire(import.meta.url)('./package.json')

export const entryFile = 'src/index.ts'
export const noImplicitAdditionalProperties = 'throw-on-extras'
export const controllerPathGlobs = ['src/controllers/*-controller.ts']
// Numbers, since tsoa hands them to the compiler as they are: ES2022, NodeNext, NodeNext.
export const compilerOptions = {
  target: 9,
  module: 199,
  moduleResolution: 99,
  strict: true,
  experimentalDecorators: true,
  skipLibCheck: true,
}

export const spec = {
  outputDirectory: 'src/generated',
  specFileBaseName: 'openapi',
  specVersion: 3,
  name: 'MCP Platform gateway',
  version,
  description: 'One URL for many MCP servers: management of the gateway and the MCP operations in their REST form.',
  license: 'MIT',
  disableBasePathSlash: true,
  basePath: '/',
  securityDefinitions: {
    gateway: {
      type: 'http',
      scheme: 'bearer',
      description: 'Token or API key; with `--no-auth` only changes need one',
    },
    apiKey: { type: 'apiKey', name: 'X-API-Key', in: 'header', description: 'API key, in a header of its own' },
  },
  // Two controllers may have a method of the same name; an id of an operation is unique in a document.
  operationIdTemplate: "{{replace controllerName 'Controller' ''}}{{titleCase method.name}}",
  specMerging: 'recursive',
  spec: bodySchemas(openApiFragment),
}

export const routes = {
  routesDir: 'src/generated',
  routesFileName: 'routes.ts',
  middleware: 'express',
  authenticationModule: 'src/http/authentication.ts',
  iocModule: 'src/http/ioc.ts',
  esm: true,
}
