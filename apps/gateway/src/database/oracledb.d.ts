/** What the gateway uses of the package `oracledb`, which brings no types of its own. */
declare module 'oracledb' {
  import type { OraclePool } from '@mcp-platform/store-kysely/oracle'

  interface OracleDriver {
    readonly OUT_FORMAT_OBJECT: number
    readonly CLOB: unknown
    readonly STRING: unknown
    createPool(options: object): Promise<OraclePool>
  }

  const driver: OracleDriver
  export default driver
}
