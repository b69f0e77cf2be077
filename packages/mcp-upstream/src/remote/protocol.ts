import type { Envelope, ReplyEnvelope } from '../envelope.js'
import type { ExchangeLimits, Phase, ServerIdentity, SessionInit, SessionKey } from '../upstream.js'
import type { WireError } from './wire-error.js'

/** Where an exchange goes: the stateless upstream of a connection, or an open session. */
export type Target = { readonly connection: string } | { readonly session: number }

/** What the borrower asks for. The body of an `exchange` is the message. */
export type Operation =
  | { readonly op: 'identify'; readonly connection: string; readonly limits: ExchangeLimits }
  | {
      readonly op: 'exchange'
      readonly target: Target
      readonly envelope: Envelope
      /** Every other member of the message. */
      readonly rest: object
      readonly limits: ExchangeLimits
    }
  | {
      readonly op: 'open'
      readonly connection: string
      readonly init: SessionInit
      readonly context: string
      readonly limits: ExchangeLimits
    }
  | { readonly op: 'lease'; readonly connection: string; readonly key: SessionKey; readonly limits: ExchangeLimits }
  | { readonly op: 'listen'; readonly session: number }
  /** Ends an opened session, or gives a leased one back. */
  | { readonly op: 'close'; readonly session: number }

/** From the borrower. `call` is its own number for one operation. */
export type ToOwner =
  | { readonly type: 'call'; readonly call: number; readonly operation: Operation }
  /** Begin to send the messages of a stream. */
  | { readonly type: 'pull'; readonly call: number }
  /** So many bytes of a stream were taken by its reader. */
  | { readonly type: 'taken'; readonly call: number; readonly bytes: number }
  | { readonly type: 'cancel'; readonly call: number }

/** What an operation that is no stream ends with. The body of `complete` is the response. */
export type Outcome =
  | { readonly kind: 'complete'; readonly envelope: ReplyEnvelope; readonly status: number }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'identity'; readonly identity: WireIdentity }
  | {
      readonly kind: 'session'
      readonly session: number
      readonly identity: WireIdentity
      readonly sessionId: string | undefined
      readonly ownsServer: boolean
    }
  | { readonly kind: 'done' }

/** From the owner of the connections. */
export type ToBorrower =
  | { readonly type: 'phase'; readonly call: number; readonly phase: Phase }
  | { readonly type: 'outcome'; readonly call: number; readonly outcome: Outcome }
  /** The answer is a stream; it waits for `pull`. */
  | { readonly type: 'stream'; readonly call: number }
  /** One message of a stream; its bytes are the body. */
  | { readonly type: 'message'; readonly call: number; readonly envelope: ReplyEnvelope }
  /** The stream is complete. */
  | { readonly type: 'end'; readonly call: number }
  | { readonly type: 'error'; readonly call: number; readonly error: WireError }
  /** A session is gone. */
  | { readonly type: 'ended'; readonly session: number }

/** A {@link ServerIdentity} as JSON. */
export type WireIdentity = Omit<ServerIdentity, 'learnedAt'> & { readonly learnedAt: string }

export function toWireIdentity(identity: ServerIdentity): WireIdentity {
  return { ...identity, learnedAt: identity.learnedAt.toISOString() }
}

export function fromWireIdentity(identity: WireIdentity): ServerIdentity {
  return { ...identity, learnedAt: new Date(identity.learnedAt) }
}
