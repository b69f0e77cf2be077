import type { Client } from './client.ts'
import { Recorder, type Sample } from './sample.ts'

/** Every connection sends its next request when its last one was answered, for this long. */
export async function closedLoop(clients: readonly Client[], durationMs: number): Promise<Sample> {
  const recorder = new Recorder()
  const started = performance.now()
  await Promise.all(clients.map((client) => loop(client, started + durationMs, recorder)))
  return recorder.finish((performance.now() - started) / 1_000)
}

function loop({ connection, requests }: Client, until: number, recorder: Recorder): Promise<void> {
  return new Promise((resolve) => {
    let sentAt = performance.now()
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
    connection.listen(onAnswer, (why) => {
      recorder.wrong(why)
      resolve()
    })
    connection.send(requests.next())
  })
}
