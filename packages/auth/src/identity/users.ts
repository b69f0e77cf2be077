import { type AuditDetails, auditEvent } from '../audit/event.js'
import { AuthForbiddenError, PasswordRefusedError } from '../errors.js'
import { type Actor, requireScope } from './actor.js'
import type { Directory } from './directory.js'
import type { PasswordHasher } from './password-hasher.js'
import type { IdentityCommit } from './store.js'
import type { User } from './user.js'
import { checkImport, type ImportedUser, type ImportedUsers, planImport } from './user-import.js'
import {
  type NewUser,
  planCreate,
  planDelete,
  planPassword,
  planPatch,
  requireUser,
  type UserPatch,
} from './user-rules.js'
import { validate } from './validation.js'

/** Options of {@link Users}. */
export interface UsersOptions {
  readonly directory: Directory
  readonly passwords: PasswordHasher
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined
}

/** How a new user will log in: by a password, by the hash of one that another product has made, or not at all. */
export interface NewUserPassword {
  readonly password?: string | undefined
  readonly importedHash?: string | undefined
}

/** How users are imported. */
export interface UserImportOptions {
  /** Only say what would change. @default false */
  readonly dryRun?: boolean | undefined
  /** Writes the import as a part of something larger; not called when there is nothing to write. @default it is written alone */
  readonly commit?: IdentityCommit | undefined
}

/**
 * Makes, changes and removes users by the rules: nobody gives more rights than they have, the last administrator stays,
 * and every change of rights, password or state ends what was issued to the user before.
 * All methods throw `AuthForbiddenError` where the actor may not, and write an audit record with the change.
 */
export class Users {
  readonly #directory: Directory
  readonly #passwords: PasswordHasher
  readonly #now: () => number

  constructor(options: UsersOptions) {
    this.#directory = options.directory
    this.#passwords = options.passwords
    this.#now = options.now ?? Date.now
  }

  /** All users by name. */
  list(actor: Actor): readonly User[] {
    requireScope(actor, 'users:admin')
    return [...this.#directory.state.users.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** @throws AuthInvalidError, UserExistsError, PasswordRefusedError, PasswordBusyError */
  async create(wanted: NewUser & NewUserPassword, actor: Actor): Promise<User> {
    validate({ ...wanted, userName: wanted.name, name: undefined })
    // Decided before hashing too: whoever may not, must not make us work.
    planCreate(this.#directory.state, wanted, actor, this.#now())
    const passwordHash = await this.#hashOf(wanted)
    return this.#directory.change((state) => {
      const user = planCreate(state, wanted, actor, this.#now())
      const audit = this.#audit('user.create', actor, user.name, grantDetails(user))
      return { changes: [{ op: 'put-user', user, passwordHash }], audit, result: user }
    })
  }

  /**
   * Takes over users with the hashes of their passwords, in one transaction: all or none. Users that are there already stay
   * as they are. With `dryRun` it only says what it would do.
   * @throws AuthInvalidError with every fault; AuthForbiddenError for one with more rights than the actor has
   */
  async import(wanted: readonly ImportedUser[], actor: Actor, options: UserImportOptions = {}): Promise<ImportedUsers> {
    requireScope(actor, 'users:admin')
    checkImport(wanted, this.#passwords)
    if (options.dryRun === true) return planImport(this.#directory.state, wanted, actor, this.#now()).result
    return this.#directory.change((state) => {
      const { changes, result } = planImport(state, wanted, actor, this.#now())
      const audit = this.#audit('user.import', actor, '*', { added: [...result.added] })
      return { changes, audit, result }
    }, options.commit)
  }

  /** Changes role, rights or state. @throws AuthInvalidError, UserNotFoundError, LastAdminError */
  async update(name: string, patch: UserPatch, actor: Actor): Promise<User> {
    validate({ ...patch, templates: patch.templates ?? undefined, tools: patch.tools ?? undefined })
    return this.#directory.change((state) => {
      const user = planPatch(state, name, patch, actor, this.#now())
      const details = { ...grantDetails(user), disabled: user.disabled }
      const audit = this.#audit('user.update', actor, name, details)
      return { changes: [{ op: 'put-user', user }], audit, result: user }
    })
  }

  /** Removes a user and revokes its keys. @throws UserNotFoundError, LastAdminError */
  async delete(name: string, actor: Actor): Promise<void> {
    await this.#directory.change((state) => {
      const changes = planDelete(state, name, actor, this.#now())
      return {
        changes,
        audit: this.#audit('user.delete', actor, name, { keysRevoked: changes.length - 1 }),
        result: undefined,
      }
    })
  }

  /**
   * Gives a user a new password. Users do so for themselves with their old one (`current`); for others it takes
   * users:admin and all rights that the user has.
   * @throws UserNotFoundError, PasswordRefusedError, PasswordBusyError
   */
  async setPassword(
    name: string,
    password: string,
    actor: Actor,
    options: { readonly current?: string | undefined } = {},
  ): Promise<void> {
    planPassword(this.#directory.state, name, actor, this.#now())
    if (actor.principal.kind === 'user' && actor.principal.name === name)
      await this.#requireCurrent(name, options.current)
    this.#passwords.check(password, name)
    const passwordHash = await this.#passwords.hash(password)
    await this.#directory.change((state) => {
      const user = planPassword(state, name, actor, this.#now())
      return {
        changes: [{ op: 'put-user', user, passwordHash }],
        audit: this.#audit('user.set-password', actor, name, {}),
        result: undefined,
      }
    })
  }

  /** The user of this name. @throws UserNotFoundError */
  require(name: string, actor: Actor): User {
    requireScope(actor, 'users:admin')
    return requireUser(this.#directory.state, name)
  }

  async #requireCurrent(name: string, current: string | undefined): Promise<void> {
    const hash = await this.#directory.store.passwordHash(name)
    if (current === undefined || !(await this.#passwords.verify(hash, current))) {
      throw new AuthForbiddenError('the current password is not right')
    }
  }

  async #hashOf(wanted: NewUser & NewUserPassword): Promise<string | undefined> {
    const { importedHash, password, name } = wanted
    if (importedHash !== undefined) {
      if (this.#passwords.canImport(importedHash)) return importedHash
      throw new PasswordRefusedError('hash', 'this is no password hash that can be imported')
    }
    if (password === undefined) return undefined
    this.#passwords.check(password, name)
    return this.#passwords.hash(password)
  }

  #audit(action: string, actor: Actor, target: string, details: AuditDetails): ReturnType<typeof auditEvent> {
    const { principal, requestId, address } = actor
    return auditEvent({
      at: new Date(this.#now()),
      actor: principal.id,
      action,
      target: `user:${target}`,
      requestId,
      address,
      details,
    })
  }
}

function grantDetails(user: User): AuditDetails {
  return {
    role: user.role,
    scopes: [...user.scopes],
    templates: user.templates === undefined ? null : [...user.templates],
    tools: user.tools === undefined ? null : [...user.tools],
  }
}
