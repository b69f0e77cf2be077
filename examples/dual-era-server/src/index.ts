export { type Era, type HttpOptions, type HttpServing, serveHttp } from './http.js'
export {
  type Check,
  type ConformanceOptions,
  REVISIONS,
  type Revision,
  runConformance,
  type ScenarioResult,
} from './run-conformance.js'
export { serveStdio } from './stdio.js'
