export { type CommandProbeOptions, commandProbe } from './probes/command.js'
export { type TcpTarget, tcpProbe } from './probes/tcp.js'
