import { expect, it } from '@jest/globals'
import { Faulty, failureOf, within } from './support.js'

it('the last words of a program that Node.js cannot find name it, above the stack', async () => {
  await using connection = new Faulty([], { args: ['/no/such/program.js'], random: () => 0 })
  expect(await failureOf(connection.identify(within()))).toMatchObject({ code: 'UPSTREAM_CHILD_EXITED', exitCode: 1 })
  const [exited] = connection.ofType('child_exited')
  expect(exited?.lastWords.join('\n')).toContain("Cannot find module '/no/such/program.js'")
})
