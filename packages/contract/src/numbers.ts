/**
 * A whole number, 0 or more. The name is for the OpenAPI document, where it is an `integer`.
 * @isInt
 * @minimum 0
 */
export type Count = number

/**
 * A whole number of either sign.
 * @isInt
 */
export type Integer = number

/** Counts, each by the name of what was counted. */
export interface CountsByName {
  readonly [name: string]: Count
}
