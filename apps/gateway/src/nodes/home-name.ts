/** A process that sessions live in, sealed into their ids: `node/process`. */
export interface HomeName {
  readonly node: string
  readonly process: string
}

/** The one process of a node without workers. */
export const ONLY_PROCESS = 'main'

export function homeName({ node, process }: HomeName): string {
  return `${node}/${process}`
}

/** Of a name that {@link homeName} made; of any other text a node that does not exist. */
export function parseHomeName(home: string): HomeName {
  const slash = home.lastIndexOf('/')
  return { node: home.slice(0, Math.max(0, slash)), process: home.slice(slash + 1) }
}
