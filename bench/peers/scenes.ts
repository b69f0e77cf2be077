import type { Upstream } from '../contestants.ts'
import type { Dialect } from '../load/dialects.ts'

/** Who is compared with whom: the same upstream behind, the same dialect in front. */
export type SceneName = 'stdio-legacy' | 'stdio-modern' | 'http-legacy' | 'rest' | 'sdk-stdio'

/** One comparison. */
export interface Scene {
  readonly name: SceneName
  readonly title: string
  readonly upstream: Upstream
  /** What the gateway is spoken to in. */
  readonly dialect: Dialect
  /** The gateway's path. */
  readonly path: string
  /** How the upstream is driven without anybody between; absent where it does not speak the dialect of the scene. */
  readonly direct?: Dialect | undefined
}

/** All comparisons, in the order of the report. */
export const SCENES: readonly Scene[] = [
  {
    name: 'stdio-legacy',
    title: 'null stdio child, legacy sessions in front',
    upstream: 'null-stdio',
    dialect: 'legacy',
    path: '/mcp/child',
    direct: 'stdio',
  },
  {
    name: 'stdio-modern',
    title: 'null stdio child, modern (stateless) in front',
    upstream: 'null-stdio',
    dialect: 'modern',
    path: '/mcp/child',
  },
  {
    name: 'http-legacy',
    title: 'null HTTP upstream, legacy sessions on both sides',
    upstream: 'null',
    dialect: 'legacy',
    path: '/mcp/bench',
    direct: 'legacy',
  },
  {
    name: 'rest',
    title: 'null HTTP upstream, REST in front',
    upstream: 'null',
    dialect: 'rest',
    path: '/mcp/bench/tools/call',
  },
  {
    name: 'sdk-stdio',
    title: 'real SDK server as a stdio child, legacy sessions in front',
    upstream: 'sdk-stdio',
    dialect: 'legacy',
    path: '/mcp/notes',
    direct: 'stdio',
  },
]
