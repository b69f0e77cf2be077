import { GatewayStartError, systemCode } from '../errors.js'

/**
 * Loads drivers that are installed only where they are used.
 * @param load imports all of `packages`; the type checker knows a package by the literal name in `import('name')`
 * @throws GatewayStartError DATABASE_DRIVER_MISSING with the command that installs all of them
 */
export async function loadDrivers<T>(
  database: string,
  packages: readonly string[],
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') throw missing(database, packages)
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
