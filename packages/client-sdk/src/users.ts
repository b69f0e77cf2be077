import {
  type PasswordRequest,
  paths,
  type UserPatchRequest,
  type UserRequest,
  type UsersList,
  type UserView,
} from '@mcp-platform/contract'
import type { Api, RequestOptions } from './api.js'

/** The users of a gateway; needs users:admin. A change is in force within three seconds on every node. */
export class Users {
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  /** All users. */
  async list(options?: RequestOptions): Promise<UserView[]> {
    const { users } = await this.#api.read<UsersList>(paths.users, options)
    return [...users]
  }

  /** Makes a user; without a password it cannot log in until somebody sets one. */
  create(user: UserRequest, options?: RequestOptions): Promise<UserView> {
    return this.#api.change({ method: 'POST', path: paths.users, body: user }, options)
  }

  /** Changes role, scopes or narrowing; `null` takes a narrowing away. What was issued before ends. */
  update(name: string, patch: UserPatchRequest, options?: RequestOptions): Promise<UserView> {
    return this.#api.change({ method: 'PATCH', path: paths.user(name), body: patch }, options)
  }

  /** Locks a user out, at once. */
  disable(name: string, options?: RequestOptions): Promise<UserView> {
    return this.update(name, { disabled: true }, options)
  }

  /** Lets a disabled user in again. */
  enable(name: string, options?: RequestOptions): Promise<UserView> {
    return this.update(name, { disabled: false }, options)
  }

  /** Removes a user; its keys end with it. */
  async delete(name: string, options?: RequestOptions): Promise<void> {
    await this.#api.change({ method: 'DELETE', path: paths.user(name) }, options)
  }

  /** Sets the password of a user; every token of the user ends. */
  async setPassword(name: string, password: string, options?: RequestOptions): Promise<void> {
    const body: PasswordRequest = { username: name, new_password: password }
    await this.#api.change({ method: 'POST', path: paths.password, body }, options)
  }
}
