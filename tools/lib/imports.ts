/** One import or re-export of a source file. */
export interface ImportStatement {
  readonly specifier: string
  /** Erased by the compiler: `import type`, or only inline `type` names. */
  readonly typeOnly: boolean
  /** `import('…')`. */
  readonly dynamic: boolean
}

const STATIC =
  /^(?:import|export)\s+(type\s+)?(\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?|[\w$]+(?:\s*,\s*(?:\{[^}]*\}|\*\s+as\s+[\w$]+))?)\s*from\s*['"]([^'"]+)['"]/gm
const SIDE_EFFECT = /^import\s+['"]([^'"]+)['"]/gm
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]/g
const COMMENTS = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm

/**
 * Finds the imports of a TypeScript source.
 * It relies on the formatter: statements begin at the start of a line. TypeScript 7 ships no parser to ask.
 */
export function importsOf(source: string): readonly ImportStatement[] {
  const code = source.replace(COMMENTS, '')
  return [...staticImports(code), ...sideEffects(code), ...dynamicImports(code)]
}

function staticImports(code: string): ImportStatement[] {
  return [...code.matchAll(STATIC)].map(([, type, names = '', specifier = '']) => ({
    specifier,
    typeOnly: type !== undefined || onlyInlineTypes(names),
    dynamic: false,
  }))
}

function onlyInlineTypes(names: string): boolean {
  if (!names.startsWith('{')) return false
  const parts = names
    .slice(1, -1)
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  return parts.length > 0 && parts.every((part) => part.startsWith('type '))
}

function sideEffects(code: string): ImportStatement[] {
  return [...code.matchAll(SIDE_EFFECT)].map(([, specifier = '']) => ({ specifier, typeOnly: false, dynamic: false }))
}

function dynamicImports(code: string): ImportStatement[] {
  return [...code.matchAll(DYNAMIC)].map(([, specifier = '']) => ({ specifier, typeOnly: false, dynamic: true }))
}

/** The package of a bare specifier: `@a/b` of `@a/b/sub`; undefined for relative ones and for `node:`. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:') || specifier.startsWith('#')) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
