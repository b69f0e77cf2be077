import { systemCode } from './errors.js'

/** What is found of a file; undefined when there is no such file. @throws every other error of the system */
export async function ifThere<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}
