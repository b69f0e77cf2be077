export { type AddressSet, addressBucket, addressSet, isCidr } from './addresses.js'
export { AuditChain } from './audit/chain.js'
export { type Denial, DenialCounter } from './audit/denials.js'
export {
  type AuditDetail,
  type AuditDetails,
  type AuditEvent,
  type AuditFacts,
  type AuditOutcome,
  auditEvent,
  auditId,
  auditIdFloor,
} from './audit/event.js'
export type { AuditRecord, ChainHead, Checkpoint } from './audit/record.js'
export type { AuditQuery, AuditStore } from './audit/store.js'
export { type AuditSpool, AuditTrail, type AuditTrailOptions } from './audit/trail.js'
export { type ChainFault, type ChainReport, type VerifyOptions, verifyChain } from './audit/verify-chain.js'
export { Authenticator, type AuthenticatorOptions, type AuthRequest } from './authenticate/authenticator.js'
export { credentialOf, type RequestCredentials } from './authenticate/credentials.js'
export type { LocalCredential } from './authenticate/local-door.js'
export { AuthSnapshot, type AuthSnapshotData, type KeyFacts, type UserFacts } from './authenticate/snapshot.js'
export { anonymous, localAdmin } from './built-in.js'
export { decide } from './decide.js'
export {
  AuthError,
  type AuthErrorCode,
  AuthForbiddenError,
  AuthInvalidError,
  AuthUnavailableError,
  CredentialInvalidError,
  CredentialMissingError,
  type CredentialProblem,
  CredentialsConflictError,
  type FieldFault,
  IdentityStaleError,
  KeyNotFoundError,
  LastAdminError,
  LoginFailedError,
  LoginThrottledError,
  MasterKeyMismatchError,
  PasswordBusyError,
  PasswordRefusedError,
  SealedError,
  UserExistsError,
  UserNotFoundError,
} from './errors.js'
export type { AuthEvent, AuthObserver } from './events.js'
export { matchesGlob } from './glob.js'
export { coversGrant, type Grant, grantOf, intersectGrants } from './grant.js'
export type { Actor } from './identity/actor.js'
export { type Decided, Directory, type DirectoryOptions } from './identity/directory.js'
export type { PasswordHasher } from './identity/password-hasher.js'
export {
  applyChanges,
  emptyIdentity,
  type IdentityChange,
  type IdentityChanges,
  type IdentityState,
} from './identity/state.js'
export type { IdentityCommit, IdentityStore } from './identity/store.js'
export { USER_NAME, type User } from './identity/user.js'
export type { ImportedUser, ImportedUsers } from './identity/user-import.js'
export type { NewUser, UserPatch } from './identity/user-rules.js'
export { type NewUserPassword, type UserImportOptions, Users, type UsersOptions } from './identity/users.js'
export { isRole, isScope } from './identity/validation.js'
export type { ApiKey, ApiKeyView, KeySecret } from './keys/api-key.js'
export {
  ApiKeys,
  type ApiKeysOptions,
  DEFAULT_KEY_LIFETIME_MS,
  DEFAULT_OVERLAP_MS,
  type IssuedApiKey,
  MAX_KEY_LIFETIME_MS,
  type NewApiKey,
} from './keys/api-keys.js'
export {
  API_KEY_PATTERN,
  API_KEY_PREFIX,
  type ApiKeyParts,
  formatApiKey,
  mintKeyId,
  mintSecret,
  parseApiKey,
  type RandomBytes,
} from './keys/key-format.js'
export { KeyHasher, type StoredSecret } from './keys/key-hasher.js'
export { KeyUse, type Rehash } from './keys/key-use.js'
export { type RateDecision, type RateLimit, RateLimiter, type RateLimiterOptions } from './limits/gcra.js'
export { type RateLimitHeaders, rateLimitHeaders } from './limits/headers.js'
export {
  mintRefreshToken,
  type RefreshExchange,
  type RefreshTokenRecord,
  type RefreshTokenStore,
  refreshTokenHash,
} from './login/refresh-token.js'
export { type LoginContext, Sessions, type SessionsOptions, type SessionTokens } from './login/sessions.js'
export { LoginThrottle, type LoginThrottleOptions } from './login/throttle.js'
export { FieldSealer, fieldPlace } from './master/field-sealer.js'
export {
  checkMasterKey,
  type KeyCheck,
  type KeyCheckStore,
  type KeyMark,
  OLD_KEY_READABLE_MS,
} from './master/key-check.js'
export { Mac } from './master/mac.js'
export { type KeyPurpose, MasterKey } from './master/master-key.js'
export { type DerivedKey, type DerivedKeys, MasterKeyRing } from './master/master-key-ring.js'
export { type Challenge, challengeText } from './oauth/challenge.js'
export {
  type ProtectedResource,
  type ProtectedResourceMetadata,
  protectedResourceMetadata,
  resourceMetadataUrl,
} from './oauth/resource.js'
export type { Action, Decision, Principal, Role, Scope } from './principal.js'
export { roleScopes } from './roles.js'
export { MemoryAuditStore } from './stores/memory-audit-store.js'
export { MemoryIdentityStore } from './stores/memory-identity-store.js'
export { MemoryKeyCheckStore } from './stores/memory-key-check-store.js'
export { MemoryRefreshTokenStore } from './stores/memory-refresh-token-store.js'
export { MemorySigningKeyStore } from './stores/memory-signing-key-store.js'
export {
  ACCESS_TOKEN_SECONDS,
  AccessTokenIssuer,
  type AccessTokenIssuerOptions,
  AccessTokenVerifier,
  type AccessTokenVerifierOptions,
  type IssuedToken,
  type TokenParties,
  type TokenSubject,
} from './tokens/access-tokens.js'
export type { ClaimRules } from './tokens/claim-rights.js'
export { type CompactToken, MAX_TOKEN_LENGTH, parseCompact } from './tokens/compact.js'
export { ExternalIssuer, type ExternalIssuerOptions, externalTokenId } from './tokens/external-issuer.js'
export type { FetchFunction } from './tokens/fetch-json.js'
export { type PublishedKey, PublishedKeys, type VerificationKeys } from './tokens/published-keys.js'
export type { OwnAlgorithm, SigningKeyRecord, SigningKeyStore, TextSealer } from './tokens/signing-key.js'
export { type JwksDocument, type Signer, SigningKeys, type SigningKeysOptions } from './tokens/signing-keys.js'
export type { SignatureAlgorithm, TokenVerifier, VerificationKey, VerifiedToken } from './tokens/verifier.js'
