import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequest,
  inputRequired,
  inputResponse,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { type FixtureContext, type FixtureTool, fixtureTool, type ToolOutcome, text } from './fixture-tool.ts';

const name = z.object({ name: z.string() });
const color = z.object({ color: z.string() });
const ok = z.object({ ok: z.boolean() });

const askName = inputRequired.elicit({ message: 'What is your name?', requestedSchema: name });
const askColor = inputRequired.elicit({ message: 'Step 2: What is your favorite color?', requestedSchema: color });
const askConfirm = inputRequired.elicit({ message: 'Please confirm', requestedSchema: ok });
const askRoots = inputRequired.listRoots();

function askModel(question: string): InputRequest {
  return inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text: question } }],
    maxTokens: 100,
  });
}

/** Tools that ask the client back before they answer (MCP basic/patterns/mrtr). */
export const roundsTools: readonly FixtureTool[] = [
  fixtureTool('test_input_required_result_elicitation', 'Asks the user for a name.', (_args, { context }) => {
    const answer = acceptedContent(context.mcpReq.inputResponses, 'user_name', name);
    return answer === undefined
      ? inputRequired({ inputRequests: { user_name: askName } })
      : text(`Hello, ${answer.name}!`);
  }),
  fixtureTool('test_input_required_result_sampling', 'Asks the model for a capital.', (_args, { context }) => {
    const answer = inputResponse(context.mcpReq.inputResponses, 'capital_question');
    return answer.kind === 'sampling'
      ? text(`The model said: ${JSON.stringify(answer.result.content)}`)
      : inputRequired({ inputRequests: { capital_question: askModel('What is the capital of France?') } });
  }),
  fixtureTool('test_input_required_result_list_roots', 'Asks the client for its roots.', (_args, { context }) => {
    const answer = inputResponse(context.mcpReq.inputResponses, 'client_roots');
    return answer.kind === 'roots'
      ? text(`Roots: ${answer.roots.map(({ uri }) => uri).join(', ')}`)
      : inputRequired({ inputRequests: { client_roots: askRoots } });
  }),
  fixtureTool('test_input_required_result_request_state', 'Remembers what it asked.', (_args, fixture) =>
    confirmOnce('test_input_required_result_request_state', 'state-ok', fixture),
  ),
  fixtureTool('test_input_required_result_tampered_state', 'Refuses a state that was changed.', (_args, fixture) =>
    confirmOnce('test_input_required_result_tampered_state', 'The state came back unchanged.', fixture),
  ),
  fixtureTool('test_input_required_result_multiple_inputs', 'Asks three questions at once.', async (_args, fixture) => {
    const { inputResponses } = fixture.context.mcpReq;
    const user = acceptedContent(inputResponses, 'user_name', name);
    const greeting = inputResponse(inputResponses, 'greeting');
    const roots = inputResponse(inputResponses, 'client_roots');
    const tool = 'test_input_required_result_multiple_inputs';
    if (user && greeting.kind === 'sampling' && roots.kind === 'roots' && roundOf(tool, fixture) === 1) {
      return text(`${user.name} is greeted and has ${roots.roots.length} root(s).`);
    }
    return inputRequired({
      inputRequests: { user_name: askName, greeting: askModel('Generate a greeting'), client_roots: askRoots },
      requestState: await fixture.seal.mint({ tool, round: 1 }),
    });
  }),
  fixtureTool('test_input_required_result_multi_round', 'Asks two questions, one after the other.', twoRounds),
  fixtureTool('test_input_required_result_capabilities', 'Asks only what the client can answer.', (_args, fixture) => {
    const { elicitation, sampling } = capabilitiesOf(fixture.context);
    const inputRequests = {
      ...(elicitation && { user_name: askName }),
      ...(sampling && { capital_question: askModel('What is the capital of France?') }),
    };
    return Object.keys(inputRequests).length === 0
      ? text('The client can answer nothing.')
      : inputRequired({ inputRequests });
  }),
  // The SDK refuses to ask a model of a client that declared none: -32021.
  fixtureTool('test_missing_capability', 'Needs a client with a model.', () =>
    inputRequired({ inputRequests: { capital_question: askModel('What is the capital of France?') } }),
  ),
  fixtureTool('test_streaming_elicitation', 'Asks the user for a yes.', (_args, { context }) => {
    const answer = acceptedContent(context.mcpReq.inputResponses, 'confirm', ok);
    return answer === undefined
      ? inputRequired({ inputRequests: { confirm: askConfirm } })
      : text(answer.ok ? 'The user said yes.' : 'The user said no.');
  }),
];

async function confirmOnce(tool: string, words: string, fixture: FixtureContext): Promise<ToolOutcome> {
  const answer = acceptedContent(fixture.context.mcpReq.inputResponses, 'confirm', ok);
  if (answer !== undefined && roundOf(tool, fixture) === 1) return text(words);
  return inputRequired({
    inputRequests: { confirm: askConfirm },
    requestState: await fixture.seal.mint({ tool, round: 1 }),
  });
}

async function twoRounds(_args: unknown, fixture: FixtureContext): Promise<ToolOutcome> {
  const tool = 'test_input_required_result_multi_round';
  const { inputResponses } = fixture.context.mcpReq;
  const round = roundOf(tool, fixture);
  if (round === 1 && acceptedContent(inputResponses, 'step1', name) !== undefined) {
    return inputRequired({
      inputRequests: { step2: askColor },
      requestState: await fixture.seal.mint({ tool, round: 2 }),
    });
  }
  const chosen = round === 2 ? acceptedContent(inputResponses, 'step2', color) : undefined;
  if (chosen !== undefined) return text(`Both steps are done: ${chosen.color}.`);
  const askFirst = inputRequired.elicit({ message: 'Step 1: What is your name?', requestedSchema: name });
  return inputRequired({
    inputRequests: { step1: askFirst },
    requestState: await fixture.seal.mint({ tool, round: 1 }),
  });
}

/** The round that a verified state speaks of; a state of another tool is none. */
function roundOf(tool: string, { context }: FixtureContext): number | undefined {
  const state = context.mcpReq.requestState<{ tool: string; round: number }>();
  return state?.tool === tool ? state.round : undefined;
}

function capabilitiesOf({ mcpReq }: ServerContext): { readonly elicitation?: object; readonly sampling?: object } {
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  return envelope[CLIENT_CAPABILITIES_META_KEY] ?? {};
}
