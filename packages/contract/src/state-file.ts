/** Name of the file in the state folder by which CLI and client find a running gateway. */
export const STATE_FILE_NAME = 'gateway.json'

/** Name of the state folder in the user's home; `MCPP_STATE_DIR` says another. */
export const DEFAULT_STATE_FOLDER = '.mcpp'

/** Content of the state file. Holds no secret: the admin token lies in a file of its own, mode 0600. */
export interface GatewayStateFile {
  readonly url: string
  readonly pid: number
  readonly version: string
  /** Absolute path; absent when there is no local admin token. */
  readonly admin_token_file?: string | undefined
  /** Where `/gateway/*` is, when management has a listener of its own. */
  readonly admin_url?: string | undefined
  /** ISO 8601. */
  readonly started_at: string
}
