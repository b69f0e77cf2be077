/** Hashes and checks passwords. `@mcp-platform/auth/passwords` has one of argon2id; tests and other products bring theirs. */
export interface PasswordHasher {
  /** Looks at the policy. @throws PasswordRefusedError */
  check(password: string, user: string): void
  /** @throws PasswordBusyError when too many are waiting */
  hash(password: string, signal?: AbortSignal): Promise<string>
  /**
   * Compares. `undefined` for a user who does not exist: takes as long, and is always false.
   * @throws PasswordBusyError when too many are waiting
   */
  verify(hash: string | undefined, password: string, signal?: AbortSignal): Promise<boolean>
  /** True if the hash is weaker than those made today. */
  needsRehash(hash: string): boolean
  /** True for a hash that another product has made and that `verify` understands. */
  canImport(hash: string): boolean
}
