import { inputRequired, inputResponse } from '@modelcontextprotocol/server';
import type { JsonObject } from '../../../runtime/contract/json.ts';
import { type FixtureContext, type FixtureTool, fixtureTool, type ToolOutcome, text } from './fixture-tool.ts';

/**
 * Tools that 2025-11-25 serves by asking the client back over its connection. They ask as 2026-07-28 does, in their result, so they work for
 * its clients; a stateless server has no connection to ask a 2025 client over, and says so.
 */
export const askingTools: readonly FixtureTool[] = [
  fixtureTool(
    'test_sampling',
    'Asks the model.',
    ({ prompt }, { context }) => {
      const answer = inputResponse(context.mcpReq.inputResponses, 'sample');
      if (answer.kind === 'sampling') return text(`LLM response: ${JSON.stringify(answer.result.content)}`);
      return inputRequired({
        inputRequests: {
          sample: inputRequired.createMessage({
            messages: [{ role: 'user', content: { type: 'text', text: String(prompt) } }],
            maxTokens: 100,
          }),
        },
      });
    },
    stringArgument('prompt'),
  ),
  fixtureTool(
    'test_elicitation',
    'Asks the user for name and address.',
    ({ message }, fixture) =>
      elicit(fixture, String(message), {
        username: { type: 'string', description: "User's response" },
        email: { type: 'string', description: "User's email address" },
      }),
    stringArgument('message'),
  ),
  fixtureTool('test_elicitation_sep1034_defaults', 'Asks with a default for each kind of value.', (_args, fixture) =>
    elicit(fixture, 'Review the defaults', {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    }),
  ),
  fixtureTool('test_elicitation_sep1330_enums', 'Asks with each kind of choice.', (_args, fixture) =>
    elicit(fixture, 'Choose', {
      untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
      titledSingle: { type: 'string', oneOf: titled('Option') },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
      titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
    }),
  ),
];

type Elicitation = Parameters<typeof inputRequired.elicit>[0];

function elicit({ context }: FixtureContext, message: string, properties: JsonObject): ToolOutcome {
  const answer = inputResponse(context.mcpReq.inputResponses, 'answer');
  if (answer.kind === 'elicit') {
    return text(`Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`);
  }
  const requestedSchema = { type: 'object', properties } as unknown as Elicitation['requestedSchema'];
  return inputRequired({ inputRequests: { answer: inputRequired.elicit({ message, requestedSchema }) } });
}

function titled(noun: string): readonly { readonly const: string; readonly title: string }[] {
  return ['First', 'Second', 'Third'].map((word, index) => ({ const: `value${index + 1}`, title: `${word} ${noun}` }));
}

function stringArgument(name: string): JsonObject {
  return { type: 'object', properties: { [name]: { type: 'string' } }, required: [name] };
}
