import type { Client } from './client.ts'
import { Recorder, type Sample } from './sample.ts'

/** Milliseconds that an answer may be late when the time is up; who is later is counted as wrong. */
const LATEST_MS = 30_000

/** Every connection sends its next request when its last one was answered, for this long. */
export async function closedLoop(
  clients: readonly Client[],
  durationMs: number,
  latestMs: number = LATEST_MS,
): Promise<Sample> {
  const recorder = new Recorder()
  const started = performance.now()
  const tooLate = new AbortController()
  const timer = setTimeout(() => tooLate.abort(), durationMs + latestMs)
  await Promise.all(
    clients.map((client) => loop(client, { until: started + durationMs, recorder, tooLate: tooLate.signal })),
  )
  clearTimeout(timer)
  return recorder.finish((performance.now() - started) / 1_000)
}

interface Course {
  readonly until: number
  readonly recorder: Recorder
  readonly tooLate: AbortSignal
}

function loop({ connection, requests }: Client, { until, recorder, tooLate }: Course): Promise<void> {
  return new Promise((resolve) => {
    let sentAt = performance.now()
    const giveUp = (why: string): void => {
      connection.listen(
        () => undefined,
        () => undefined,
      )
      recorder.wrong(why)
      resolve()
    }
    tooLate.addEventListener('abort', () => giveUp('a request was not answered in time'))
    const onAnswer = ({ status, body }: { status: number; body: Buffer }): void => {
      const now = performance.now()
      const fault = requests.fault(status, body)
      if (fault === undefined) recorder.right(now - sentAt)
      else recorder.wrong(fault)
      if (now >= until) {
        resolve()
        return
      }
      sentAt = now
      connection.send(requests.next())
    }
    connection.listen(onAnswer, giveUp)
    connection.send(requests.next())
  })
}
