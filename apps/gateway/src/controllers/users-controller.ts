import type { Problem, UserPatchRequest, UserRequest, UsersList, UserView } from '@mcp-platform/contract'
import {
  Body,
  Controller,
  Delete,
  Get,
  Patch,
  Path,
  Post,
  Request,
  Response,
  Route,
  Security,
  SuccessResponse,
  Tags,
} from '@tsoa/runtime'
import type { Request as HttpRequest } from 'express'
import type { Services } from '../http/services.js'
import { userView } from '../identity/views.js'
import { actorOf } from './caller.js'

/** Users. Nobody gives more rights than they have, and the last administrator stays. */
@Route('auth/users')
@Tags('Identity')
@Response<Problem>('default', 'An error as a problem document (RFC 9457)', undefined, 'application/problem+json')
export class UsersController extends Controller {
  readonly #services: Services

  constructor(services: Services) {
    super()
    this.#services = services
  }

  /** @summary All users */
  @Get()
  @Security('gateway', ['users:admin'])
  list(@Request() request: HttpRequest): UsersList {
    const users = this.#services.identity.users.list(actorOf(request, this.#services)).map(userView)
    return { users, count: users.length }
  }

  /**
   * Without a role it is a `user`; without a password nobody can log in as them.
   * @summary Make a user
   */
  @Post()
  @Security('gateway', ['users:admin'])
  @SuccessResponse(201, 'Made')
  @Response<Problem>(409, 'The name is taken', undefined, 'application/problem+json')
  async create(@Request() request: HttpRequest, @Body() body: UserRequest): Promise<UserView> {
    const { name, password, role = 'user', scopes, templates, tools } = body
    const wanted = { name, password, role, scopes, templates, tools }
    const user = await this.#services.identity.users.create(wanted, actorOf(request, this.#services))
    this.setStatus(201)
    return userView(user)
  }

  /**
   * What is not named stays; `null` takes a narrowing away. Every token of the user ends.
   * @summary Change role, rights or state of a user
   */
  @Patch('{name}')
  @Security('gateway', ['users:admin'])
  @Response<Problem>(404, 'Unknown user', undefined, 'application/problem+json')
  @Response<Problem>(409, 'The last administrator must stay', undefined, 'application/problem+json')
  async change(
    @Request() request: HttpRequest,
    @Path() name: string,
    @Body() body: UserPatchRequest,
  ): Promise<UserView> {
    const { role, scopes, templates, tools, disabled } = body
    const patch = { role, scopes, templates, tools, disabled }
    return userView(await this.#services.identity.users.update(name, patch, actorOf(request, this.#services)))
  }

  /**
   * The API keys of the user are revoked with it.
   * @summary Remove a user
   */
  @Delete('{name}')
  @Security('gateway', ['users:admin'])
  @SuccessResponse(204, 'Removed')
  @Response<Problem>(404, 'Unknown user', undefined, 'application/problem+json')
  @Response<Problem>(409, 'The last administrator must stay', undefined, 'application/problem+json')
  async remove(@Request() request: HttpRequest, @Path() name: string): Promise<void> {
    await this.#services.identity.users.delete(name, actorOf(request, this.#services))
    this.setStatus(204)
  }
}
