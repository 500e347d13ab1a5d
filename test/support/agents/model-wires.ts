import { randomUUID } from 'node:crypto';
import type { ModelTurn } from './fake-model.ts';

/** One model API, as far as a script needs it. */
export interface ModelWire {
  /** Names of the tools that the agent offers. */
  toolNames(body: Body): readonly string[];
  /** What tools said, oldest first, as the model reads it. */
  results(body: Body): readonly string[];
  write(turn: ModelTurn, tool: string, body: Body): { readonly type: string; readonly text: string };
}

// biome-ignore lint/suspicious/noExplicitAny: each API has its own shape, of which each reader names what it takes.
type Body = any;

export function wireOf(path: string): ModelWire | undefined {
  if (path.endsWith('/v1/messages')) return anthropic;
  if (path.endsWith('/responses')) return responses;
  if (path.endsWith('/chat/completions')) return chat;
  return /:(streamGenerateContent|generateContent)$/.test(path)
    ? gemini(path.endsWith(':streamGenerateContent'))
    : undefined;
}

const eventStream = 'text/event-stream';
const usage = { input_tokens: 1, output_tokens: 1 };

/** Messages API of Anthropic. */
const anthropic: ModelWire = {
  toolNames: ({ tools = [] }) => tools.map(({ name }: Body) => name),
  results: ({ messages }) =>
    messages
      .flatMap(({ content }: Body) => (Array.isArray(content) ? content : []))
      .filter(({ type }: Body) => type === 'tool_result')
      .map(({ content }: Body) => textOf(content)),
  write(turn, tool, { stream, model }) {
    const isCall = 'call' in turn;
    const block = isCall
      ? { type: 'tool_use', id: `toolu_${randomUUID()}`, name: tool, input: turn.call }
      : { type: 'text', text: turn.say };
    const message = { id: `msg_${randomUUID()}`, type: 'message', role: 'assistant', model, usage };
    const stop = { stop_reason: isCall ? 'tool_use' : 'end_turn', stop_sequence: null };
    if (stream !== true) return json({ ...message, content: [block], ...stop });
    const empty = isCall ? { ...block, input: {} } : { ...block, text: '' };
    const delta = isCall
      ? { type: 'input_json_delta', partial_json: JSON.stringify(turn.call) }
      : { type: 'text_delta', text: turn.say };
    return events([
      { type: 'message_start', message: { ...message, content: [], stop_reason: null, stop_sequence: null } },
      { type: 'content_block_start', index: 0, content_block: empty },
      { type: 'content_block_delta', index: 0, delta },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: stop, usage },
      { type: 'message_stop' },
    ]);
  },
};

/** Responses API of OpenAI. Tools of a server stand in a namespace. */
const responses: ModelWire = {
  toolNames: ({ tools = [] }) =>
    tools.flatMap((tool: Body) =>
      tool.type === 'namespace' ? tool.tools.map(({ name }: Body) => `${tool.name}/${name}`) : [tool.name ?? ''],
    ),
  results: ({ input }) =>
    input
      .filter(({ type }: Body) => type === 'function_call_output')
      .map(({ output }: Body) => textOf(typeof output === 'object' ? (output.content ?? output) : output)),
  write(turn, tool) {
    const [name = '', namespace] = tool.split('/').toReversed();
    const item =
      'call' in turn
        ? {
            type: 'function_call',
            id: `fc_${randomUUID()}`,
            call_id: `call_${randomUUID()}`,
            name,
            ...(namespace !== undefined && { namespace }),
            arguments: JSON.stringify(turn.call),
          }
        : {
            type: 'message',
            id: `msg_${randomUUID()}`,
            role: 'assistant',
            content: [{ type: 'output_text', text: turn.say, annotations: [] }],
          };
    const response = { id: `resp_${randomUUID()}`, output: [item], usage: { ...usage, total_tokens: 2 } };
    return events([
      { type: 'response.created', response: { id: response.id } },
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response },
    ]);
  },
};

/** Chat Completions API of OpenAI, which others offer too. */
const chat: ModelWire = {
  toolNames: ({ tools = [] }) => tools.map((tool: Body) => tool.function.name),
  results: ({ messages }) =>
    messages.filter(({ role }: Body) => role === 'tool').map(({ content }: Body) => textOf(content)),
  write(turn, tool, { model }) {
    const delta =
      'call' in turn
        ? {
            role: 'assistant',
            tool_calls: [
              {
                index: 0,
                id: `call_${randomUUID()}`,
                type: 'function',
                function: { name: tool, arguments: JSON.stringify(turn.call) },
              },
            ],
          }
        : { role: 'assistant', content: turn.say };
    const chunk = { id: `chat_${randomUUID()}`, object: 'chat.completion.chunk', created: 0, model };
    const reason = 'call' in turn ? 'tool_calls' : 'stop';
    const lines = [
      { ...chunk, choices: [{ index: 0, delta, finish_reason: null }] },
      {
        ...chunk,
        choices: [{ index: 0, delta: {}, finish_reason: reason }],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      },
    ].map((each) => `data: ${JSON.stringify(each)}\n\n`);
    return { type: eventStream, text: `${lines.join('')}data: [DONE]\n\n` };
  },
};

/** Gemini API of Google. */
const gemini = (isStream: boolean): ModelWire => ({
  toolNames: ({ tools = [] }) =>
    tools.flatMap(({ functionDeclarations = [] }: Body) => functionDeclarations.map(({ name }: Body) => name)),
  results: ({ contents }) =>
    contents
      .flatMap(({ parts = [] }: Body) => parts)
      .filter(({ functionResponse }: Body) => functionResponse !== undefined)
      .map(({ functionResponse: { response } }: Body) => textOf(response.output ?? response.error ?? response)),
  write(turn, tool) {
    const part = 'call' in turn ? { functionCall: { name: tool, args: turn.call } } : { text: turn.say };
    const answer = {
      candidates: [{ index: 0, content: { role: 'model', parts: [part] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
    };
    return isStream ? { type: eventStream, text: `data: ${JSON.stringify(answer)}\n\n` } : json(answer);
  },
});

/** Text of a result, whether it is a text, blocks of texts, or an object. */
function textOf(content: Body): string {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map((block) => block.text ?? JSON.stringify(block)).join('\n');
  return JSON.stringify(content);
}

function json(value: object) {
  return { type: 'application/json', text: JSON.stringify(value) };
}

function events(all: readonly ({ readonly type: string } & Readonly<Record<string, unknown>>)[]) {
  const text = all.map((each) => `event: ${each.type}\ndata: ${JSON.stringify(each)}\n\n`).join('');
  return { type: eventStream, text };
}
