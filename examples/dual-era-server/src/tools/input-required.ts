import {
  acceptedContent,
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequest,
  type InputRequests,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type McpServer,
  type RequestStateCodec,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { textOf, userMessage } from './asking.js'
import { textResult } from './content.js'

type Asked = CallToolResult | InputRequiredResult
type Tool = (context: ServerContext) => Asked | Promise<Asked>

/** What travels in `requestState`, sealed by the codec. */
export interface RoundState {
  readonly round: number
  readonly name?: string | undefined
}

const nameSchema = z.object({ name: z.string() })
const colorSchema = z.object({ color: z.string() })
const capabilitiesSchema = z.object({ sampling: z.unknown(), elicitation: z.unknown() }).partial()
const okSchema = z.object({ ok: z.boolean() })

/** The tools of the suite's multi-round-trip scenarios (SEP-2322). */
export function registerInputRequiredTools(server: McpServer, codec: RequestStateCodec<RoundState>): void {
  const tools: Readonly<Record<string, Tool>> = {
    elicitation: greet,
    sampling: askCapital,
    list_roots: countRoots,
    request_state: (context) => confirm(context, codec, 'state-ok'),
    tampered_state: (context) => confirm(context, codec, 'the state was not tampered with'),
    multiple_inputs: (context) => askThree(context, codec),
    multi_round: (context) => askTwice(context, codec),
    capabilities: (context) => askWhatIsDeclared(context, server.server.getClientCapabilities()),
  }
  for (const [name, run] of Object.entries(tools)) {
    const description = `Answers input_required first: ${name.replaceAll('_', ' ')}.`
    server.registerTool(`test_input_required_result_${name}`, { description }, run)
  }
}

function greet({ mcpReq }: ServerContext): Asked {
  const accepted = acceptedContent(mcpReq.inputResponses, 'user_name', nameSchema)
  if (accepted !== undefined) return textResult(`Hello, ${accepted.name}!`)
  return inputRequired({ inputRequests: { user_name: askName('What is your name?') } })
}

function askCapital({ mcpReq }: ServerContext): Asked {
  const answer = inputResponse(mcpReq.inputResponses, 'capital_question')
  if (answer.kind === 'sampling') return textResult(textOf(answer.result.content))
  return inputRequired({ inputRequests: { capital_question: askModel('What is the capital of France?', 100) } })
}

function countRoots({ mcpReq }: ServerContext): Asked {
  const answer = inputResponse(mcpReq.inputResponses, 'client_roots')
  if (answer.kind === 'roots') return textResult(`Roots: ${answer.roots.map(({ uri }) => uri).join(', ')}`)
  return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
}

async function confirm(context: ServerContext, codec: RequestStateCodec<RoundState>, done: string): Promise<Asked> {
  const { mcpReq } = context
  const state = mcpReq.requestState<RoundState>()
  if (state !== undefined && acceptedContent(mcpReq.inputResponses, 'confirm', okSchema)) return textResult(done)
  const request = askForm('Please confirm', { ok: { type: 'boolean' } })
  return inputRequired({ inputRequests: { confirm: request }, requestState: await codec.mint({ round: 1 }, context) })
}

async function askThree(context: ServerContext, codec: RequestStateCodec<RoundState>): Promise<Asked> {
  const { inputResponses, requestState } = context.mcpReq
  const name = acceptedContent(inputResponses, 'user_name', nameSchema)?.name
  const greeting = inputResponse(inputResponses, 'greeting')
  const roots = inputResponse(inputResponses, 'client_roots')
  const complete = name !== undefined && greeting.kind === 'sampling' && roots.kind === 'roots'
  if (complete && requestState<RoundState>() !== undefined) {
    return textResult(`${textOf(greeting.result.content)} ${name}, with ${roots.roots.length} roots`)
  }
  const inputRequests = {
    user_name: askName('What is your name?'),
    greeting: askModel('Generate a greeting', 50),
    client_roots: inputRequired.listRoots(),
  }
  return inputRequired({ inputRequests, requestState: await codec.mint({ round: 1 }, context) })
}

async function askTwice(context: ServerContext, codec: RequestStateCodec<RoundState>): Promise<Asked> {
  const { inputResponses, requestState } = context.mcpReq
  const state = requestState<RoundState>()
  const name = state?.name ?? acceptedContent(inputResponses, 'step1', nameSchema)?.name
  if (state === undefined || name === undefined) {
    const step1 = askName('Step 1: What is your name?')
    return inputRequired({ inputRequests: { step1 }, requestState: await codec.mint({ round: 1 }, context) })
  }
  const color = acceptedContent(inputResponses, 'step2', colorSchema)?.color
  if (state.round === 2 && color !== undefined) return textResult(`${name} likes ${color}`)
  const step2 = askForm('Step 2: What is your favorite color?', { color: { type: 'string' } })
  return inputRequired({ inputRequests: { step2 }, requestState: await codec.mint({ round: 2, name }, context) })
}

/** Asks only for what the client can do: a modern one says so in each request, a legacy one said so in `initialize`. */
function askWhatIsDeclared({ mcpReq }: ServerContext, ofSession: unknown): Asked {
  if (mcpReq.inputResponses !== undefined) return textResult('thank you')
  const envelope: Readonly<Record<string, unknown>> = { ...mcpReq.envelope }
  const declared = capabilitiesSchema.parse(envelope[CLIENT_CAPABILITIES_META_KEY] ?? ofSession ?? {})
  const inputRequests: InputRequests = {
    ...(declared.sampling === undefined ? {} : { greeting: askModel('Generate a greeting', 50) }),
    ...(declared.elicitation === undefined ? {} : { user_name: askName('What is your name?') }),
  }
  return Object.keys(inputRequests).length === 0 ? textResult('nothing to ask with') : inputRequired({ inputRequests })
}

function askName(message: string): InputRequest {
  return askForm(message, { name: { type: 'string' } })
}

/** An elicitation whose fields are all required. */
export function askForm(
  message: string,
  properties: Record<string, { type: 'string' } | { type: 'boolean' }>,
): InputRequest {
  const required = Object.keys(properties)
  return inputRequired.elicit({ message, requestedSchema: { type: 'object', properties, required } })
}

function askModel(question: string, maxTokens: number): InputRequest {
  return inputRequired.createMessage({ messages: [userMessage(question)], maxTokens })
}
