import { ClientCommand } from '../../client-command.js'
import type { DoctorPlace, Finding, FindingLevel } from '../../doctor/finding.js'
import { CliError } from '../../errors.js'
import { exitCodes } from '../../exit-codes.js'
import { configFileFlag, gatewayFlags, givenSettings } from '../../gateway-flags.js'
import type { SettingsSources } from '../../local/gateway-settings.js'
import { stateFolderOf } from '../../local/state-folder.js'
import type { Paint } from '../../output/colour.js'
import { printable } from '../../output/printable.js'
import { profilesPath } from '../../settings/profiles.js'
import type { ConnectionFlags } from '../../settings/resolve.js'

const COLOURS = { ok: 'green', warning: 'yellow', error: 'red' } as const

type DoctorFlags = ConnectionFlags & Readonly<Record<string, unknown>> & { readonly config?: string | undefined }

export default class GatewayDoctor extends ClientCommand {
  static override summary =
    'Look for what is wrong with the gateway that runs, or with one that would start, and say what to do.'
  static override description =
    `Asks the gateway that runs (of this machine, or at --url) how it is: exposure, database and schema, nodes, audit trail,
master key, templates, servers. Of this machine it looks at settings, secrets, files, clock and limits: those of the
gateway that runs here, else of a start with the flags, environment and file given here. Each finding comes with what to
do. Exit code 1 when something is wrong.`
  static override examples = [
    '<%= config.bin %> gateway doctor',
    '<%= config.bin %> gateway doctor --url https://gateway.example.com --json',
    '<%= config.bin %> gateway doctor --host 0.0.0.0 --database postgres://mcpp@db/mcpp',
  ]
  static override flags = { ...gatewayFlags, ...configFileFlag }

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayDoctor)
    const { examine } = await import('../../doctor/examine.js')
    await using client = await this.#client(flags)
    const findings = await examine(await this.#place(flags, client))
    const ok = findings.every(({ level }) => level !== 'error')
    await this.print(flags, { ok, findings }, () => reportText(findings, this.paint(flags)))
    if (!ok) process.exitCode = exitCodes.failed
  }

  // A login that has ended is no reason not to look at the rest.
  async #client(flags: DoctorFlags): Promise<DoctorPlace['client']> {
    try {
      return await this.connect(flags)
    } catch (error) {
      if (!(error instanceof CliError) || error.code !== 'CLI_LOGIN_ENDED') throw error
      this.warning(`${error.message} Log in again: ${error.next}`)
      return this.client(await this.connection(flags), {})
    }
  }

  async #place(flags: DoctorFlags, client: DoctorPlace['client']): Promise<DoctorPlace> {
    const { findRunning } = await import('../../local/running.js')
    const { describeSettings } = await import('../../local/gateway-settings.js')
    const { askRunning } = await import('../../doctor/running.js')
    const { url } = await this.connection(flags)
    const standard = stateFolderOf(textOf(flags['state-dir']), process.env)
    const local = await findRunning(standard)
    const isAsked = asksForStart(flags)
    const sources = await sourcesOf(flags, isAsked || local === undefined ? undefined : standard)
    const described = await describeSettings(sources)
    const running = await askRunning(client)
    const stateDir = textOf(described.settings.find(({ name }) => name === 'state_dir')?.value) ?? standard
    return {
      env: process.env,
      described,
      given: sources.flags,
      stateDir,
      profilesPath: profilesPath(process.env, this.config.configDir),
      local,
      url: url.value,
      client,
      running,
      isHere: running.state === 'silent' || (local !== undefined && isAddressOf(local.url, url.value)),
      isAsked,
      version: this.config.version,
    }
  }
}

function asksForStart(flags: DoctorFlags): boolean {
  return flags.config !== undefined || Object.keys(givenSettings(flags)).some((name) => name !== 'state-dir')
}

// No credential depends on it, so that any name of this machine will do.
function isAddressOf(own: string, asked: string): boolean {
  const [one, other] = [new URL(own), new URL(asked)]
  return one.port === other.port && (one.hostname === other.hostname || other.hostname === 'localhost')
}

async function sourcesOf(flags: DoctorFlags, runningOn: string | undefined): Promise<SettingsSources> {
  const own = { flags: givenSettings(flags), env: process.env, configFile: flags.config }
  if (runningOn === undefined) return own
  const { launchedWith } = await import('../../local/gateway-in-effect.js')
  return (await launchedWith(runningOn, process.env)) ?? own
}

function reportText(findings: readonly Finding[], paint: Paint): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, level, message, fix }) => [
    `${paint(COLOURS[level], level.padEnd(7))}  ${check.padEnd(width)}  ${printable(message)}`,
    ...(fix === undefined || level === 'ok' ? [] : [`${' '.repeat(width + 11)}fix: ${printable(fix)}`]),
  ])
  return [...lines, '', verdict(findings)].join('\n')
}

function verdict(findings: readonly Finding[]): string {
  const count = (level: FindingLevel): number => findings.filter((finding) => finding.level === level).length
  const [wrong, doubtful] = [count('error'), count('warning')]
  if (wrong === 0 && doubtful === 0) return 'Nothing is wrong.'
  return `${wrong} wrong, ${doubtful} to look at.`
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
