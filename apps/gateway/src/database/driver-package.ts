import { GatewayStartError, systemCode } from '../errors.js'

/** What a package exports. */
export type Exports = Readonly<Record<string, unknown>>

/**
 * Loads drivers that are installed only where they are used.
 * @throws GatewayStartError DATABASE_DRIVER_MISSING with the command that installs all of them
 */
export async function loadDrivers(database: string, ...packages: readonly string[]): Promise<Exports[]> {
  const loaded: Exports[] = []
  for (const name of packages) loaded.push(await load(name, () => missing(database, packages)))
  return loaded
}

async function load(name: string, absent: () => GatewayStartError): Promise<Exports> {
  try {
    const module: { readonly default?: object } & Exports = await import(name)
    return { ...module.default, ...module }
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') throw absent()
    throw error
  }
}

function missing(database: string, packages: readonly string[]): GatewayStartError {
  const names = packages.join(' ')
  const which = packages.length === 1 ? `the package ${names}` : `the packages ${packages.join(' and ')}`
  return new GatewayStartError(
    'DATABASE_DRIVER_MISSING',
    `${database} needs ${which}; install with "npm install ${names}"`,
  )
}
