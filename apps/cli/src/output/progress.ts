import { oneLine } from './printable.js'

/** One step of a long work. */
export interface Step {
  readonly progress: number
  readonly total?: number | undefined
  readonly message?: string | undefined
}

const WIDTH = 24

/** Shows progress: a bar that is drawn over on a terminal, one line per step elsewhere. Call `end` when done. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream
  #drawn = false

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  show(step: Step): void {
    if (!this.#stream.isTTY) {
      this.#stream.write(`${stepText(step)}\n`)
      return
    }
    this.#stream.write(`\r\u001b[K${bar(step)}${stepText(step)}`)
    this.#drawn = true
  }

  /** Frees the line of the bar. */
  end(): void {
    if (this.#drawn) this.#stream.write('\r\u001b[K')
    this.#drawn = false
  }
}

function bar({ progress, total }: Step): string {
  if (total === undefined || total <= 0) return ''
  const filled = Math.round(WIDTH * Math.min(1, Math.max(0, progress / total)))
  return `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] `
}

function stepText({ progress, total, message }: Step): string {
  const count = total === undefined ? String(progress) : `${progress}/${total}`
  return typeof message === 'string' ? `${count} ${oneLine(message)}` : count
}
