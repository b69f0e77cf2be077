import { rm } from 'node:fs/promises'

/** Removes the folder of temp-folder.js: jest runs both in one process. */
export default async function removeTempFolder() {
  const folder = process.env.JEST_TEMP_FOLDER
  if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}
