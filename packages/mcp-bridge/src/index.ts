export { type Adoption, adoptSession, isAdoptable } from './adopt-session.js'
export { type Aggregate, type AggregateOptions, aggregate } from './aggregate/aggregate.js'
export type { FollowParts } from './aggregate/listen.js'
export { aliasOf, exposedName } from './aggregate/names.js'
export type { AggregateDispatch, AggregatePart, OnPartFailed } from './aggregate/part.js'
export { askedId } from './asking.js'
export { bridge, bridgeLegacy } from './bridge.js'
export type { CallerProfile, ClientInfo, LegacyCaller, ModernCaller, PlainCaller } from './caller.js'
export {
  type CatalogueList,
  type FetchedList,
  LIST_MEMBERS,
  ListCatalogue,
  type ListCatalogueOptions,
  type ListItem,
  type ListKey,
  type ListMethod,
  type ListPage,
} from './catalogue.js'
export { type CallClock, CancelledByClientError, type ClientHello, ClientSession } from './client-session.js'
export { EventLog, type EventReader } from './event-log.js'
export { decodeHeaderValue, encodeHeaderValue } from './header-value.js'
export type { JsonObject } from './json-object.js'
export { stripForLegacy } from './legacy-result.js'
export { idToken } from './local-reply.js'
export { withMeta } from './modern-meta.js'
export { type HeaderReader, isModern, readModernRequest } from './modern-request.js'
export { checkParams, mirrorParams, type ParamHeader, paramHeaders } from './param-headers.js'
export { type ParkedCall, ParkedCalls, type ParkedCallsOptions, type Parking } from './parked-calls.js'
export { ProtocolError, RPC, SessionNotFoundError } from './protocol-error.js'
export { Sealer, type SealingKey, type SealPurpose } from './sealer.js'
export { type SealedSession, SessionBook, type SessionBookOptions, TooManySessionsError } from './session-book.js'
export { LATEST_LEGACY_VERSION, LEGACY_VERSIONS, META, MODERN_VERSION } from './versions.js'
