export {
  fileSource,
  type ReadOptions,
  readRegistryFile,
  type WatchOptions,
  watchRegistryFile,
} from './watch-registry-file.js'
