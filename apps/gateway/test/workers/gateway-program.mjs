// A gateway as a process of its own: the flags are JSON in the first argument. Prints its URL and who answered which
// call, ends on SIGTERM.
import { startGateway } from '../../dist/index.js'

const logSink = {
  write(line) {
    const { msg, pid, template, level, workerPid } = JSON.parse(line)
    if (msg === 'call answered') console.log(JSON.stringify({ msg, pid, template }))
    else if (msg === 'worker is serving') console.log(`serving ${workerPid}`)
    else if (level >= 40) console.log(line.trimEnd())
  },
}

try {
  const gateway = await startGateway({ flags: JSON.parse(process.argv[2]), logSink })
  process.on('SIGTERM', () => void gateway.close())
  console.log(`ready ${gateway.url}`)
  await gateway.closed
} catch (error) {
  console.log(`failed ${error.code}: ${error.message}`)
  process.exitCode = 1
}
