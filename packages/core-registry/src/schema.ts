import { z } from 'zod'
import { given } from './faults.js'

/** An object that knows its fields; another field is a fault that names the known ones. */
export function strictObject<S extends z.ZodRawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  const known = Object.keys(shape).join(', ')
  const error = (issue: { code?: string }): string | undefined =>
    issue.code === 'unrecognized_keys' ? `unknown field; known fields are ${known}` : undefined
  return z.strictObject(shape, { error })
}

/** A text that `fault` has nothing to say against. */
export function text(fault: (value: string) => string | undefined): z.ZodType<string> {
  return z.string().superRefine((value, context) => {
    const message = fault(value)
    if (message !== undefined) context.addIssue({ code: 'custom', message, input: undefined })
  })
}

/** An object of texts; `fault` looks at each name and value, and its message must not repeat the value. */
export function textRecord(
  fault: (name: string, value: string) => string | undefined,
): z.ZodType<Record<string, string>> {
  return z.record(z.string(), z.string()).superRefine((record, context) => {
    for (const [name, value] of Object.entries(record)) {
      const message = fault(name, value)
      if (message !== undefined) context.addIssue({ code: 'custom', message, path: [name], input: undefined })
    }
  })
}

/** A whole number of the range, both ends included. */
export function wholeNumber(min: number, max: number): z.ZodType<number> {
  return z.number().superRefine((value, context) => {
    if (Number.isInteger(value) && value >= min && value <= max) return
    const message = `expected a whole number from ${min} to ${max}, got ${given(value)}`
    context.addIssue({ code: 'custom', message, input: undefined })
  })
}
