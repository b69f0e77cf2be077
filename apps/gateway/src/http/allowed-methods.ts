/** Says which methods a path has, from the OpenAPI document, for `405 Method Not Allowed`. */
export function allowedMethods(document: {
  readonly paths: Readonly<Record<string, object>>
}): (path: string) => string[] {
  const routes = Object.entries(document.paths)
    .filter(isManagement)
    .map(([template, operations]) => ({
      pattern: new RegExp(`^${template.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}/?$`),
      methods: Object.keys(operations).map((method) => method.toUpperCase()),
    }))
  return (path) =>
    [...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))].sort()
}

// The document has the MCP operations too; who asks here for one asks the wrong listener.
function isManagement([path]: readonly [string, object]): boolean {
  return !path.startsWith('/mcp')
}
