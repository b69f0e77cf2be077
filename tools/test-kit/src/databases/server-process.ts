import { type Launched, type LaunchOptions, launch } from '../launch.js'

/** A database server whose process can be stopped and started again on the same data. */
export class ServerProcess {
  readonly #options: LaunchOptions
  #current: Launched | undefined

  constructor(options: LaunchOptions) {
    this.#options = options
  }

  /** Of the running process; undefined while it is down. */
  get pid(): number | undefined {
    return this.#current?.pid
  }

  async start(): Promise<void> {
    this.#current ??= await launch(this.#options)
  }

  async halt(): Promise<void> {
    await this.#current?.stop()
    this.#current = undefined
  }

  async kill9(): Promise<void> {
    await this.#current?.kill9()
    this.#current = undefined
  }
}
