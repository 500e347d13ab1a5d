import {
  acceptedContent,
  completable,
  inputRequired,
  type McpServer,
  ResourceTemplate,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { redPixelPng } from './media.ts';

/** Resources of the fixture: text, binary, a template, and one to watch. */
export function registerResources(server: McpServer): void {
  const plain = 'text/plain';
  server.registerResource(
    'static-text',
    'test://static-text',
    { description: 'A text that never changes.', mimeType: plain },
    ({ href }) => ({
      contents: [{ uri: href, mimeType: plain, text: 'This is the content of the static text resource.' }],
    }),
  );
  server.registerResource(
    'static-binary',
    'test://static-binary',
    { description: 'A picture that never changes.', mimeType: 'image/png' },
    ({ href }) => ({ contents: [{ uri: href, mimeType: 'image/png', blob: redPixelPng }] }),
  );
  server.registerResource(
    'watched-resource',
    'test://watched-resource',
    { description: 'A text that clients may subscribe to.', mimeType: plain },
    ({ href }) => ({ contents: [{ uri: href, mimeType: plain, text: 'Nothing has happened yet.' }] }),
  );
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
  server.registerResource(
    'template-data',
    template,
    { description: 'Data by id.', mimeType: 'application/json' },
    ({ href }, { id }) => ({
      contents: [
        {
          uri: href,
          mimeType: 'application/json',
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  );
}

const twoArguments = z.object({
  arg1: completable(z.string().describe('First test argument'), (start) =>
    ['paris', 'park', 'party'].filter((word) => word.startsWith(start)),
  ),
  arg2: z.string().describe('Second test argument'),
});
const oneUri = z.object({ resourceUri: z.string().describe('URI of the resource to embed') });
const userContext = z.object({ context: z.string() });
const askContext = inputRequired.elicit({
  message: 'What context should the prompt use?',
  requestedSchema: userContext,
});

/** Prompts of the fixture: plain, with arguments, with a resource, with a picture, and one that asks back. */
export function registerPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'A prompt without arguments.' }, () =>
    said('This is a simple prompt for testing.'),
  );
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'A prompt with two arguments.', argsSchema: twoArguments },
    ({ arg1, arg2 }) => said(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'A prompt that embeds a resource.', argsSchema: oneUri },
    ({ resourceUri }) => ({
      messages: [
        {
          role: 'user',
          content: {
            type: 'resource',
            resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
          },
        },
        ...said('Please process the embedded resource above.').messages,
      ],
    }),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'A prompt with a picture.' }, () => ({
    messages: [
      { role: 'user', content: { type: 'image', data: redPixelPng, mimeType: 'image/png' } },
      ...said('Please analyze the image above.').messages,
    ],
  }));
  server.registerPrompt(
    'test_input_required_result_prompt',
    { description: 'A prompt that asks the user first.' },
    (context) => {
      const answer = acceptedContent(context.mcpReq.inputResponses, 'user_context', userContext);
      return answer === undefined
        ? inputRequired({ inputRequests: { user_context: askContext } })
        : said(`Use this context: ${answer.context}`);
    },
  );
}

function said(words: string) {
  return { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: words } }] };
}
