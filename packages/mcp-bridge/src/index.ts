export { bridge } from './bridge.js'
export type { CallerProfile, ClientInfo, PlainCaller } from './caller.js'
export {
  type CatalogueList,
  type FetchedList,
  LIST_MEMBERS,
  ListCatalogue,
  type ListCatalogueOptions,
  type ListItem,
  type ListKey,
  type ListMethod,
} from './catalogue.js'
export { withMeta } from './modern-meta.js'
export { LATEST_LEGACY_VERSION, LEGACY_VERSIONS, META, MODERN_VERSION } from './versions.js'
export { Sealer, type SealingKey, type SealPurpose } from './sealer.js'
