import type { IocContainer } from '@tsoa/runtime'
import type { Request } from 'express'
import { type Services, servicesOf } from './services.js'

type ControllerClass<T> = new (services: Services) => T

/** Makes the controllers of one request; the generated routes call it. */
export function iocContainer(request: Request): IocContainer {
  const services = servicesOf(request)
  return {
    get<T>(controller: unknown): T {
      // tsoa hands over the class that it found in the sources; its contract types it as anything with a prototype.
      return new (controller as ControllerClass<T>)(services)
    },
  }
}
