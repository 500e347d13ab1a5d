import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { wireOf } from './model-wires.ts';

/** What a model says in one turn. */
export type ModelTurn = { readonly call: Readonly<Record<string, unknown>> } | { readonly say: string };

/** Decides the next turn from what the tool said so far, oldest first, as it reached the model. */
export type ModelScript = (results: readonly string[]) => Promise<ModelTurn>;

export interface FakeModel {
  /** Origin under which every API of it is found. */
  readonly url: string;
  /** Errors of the script, for the test that wrote it. */
  readonly problems: readonly unknown[];
  close(): Promise<void>;
}

export interface FakeModelOptions {
  /** Matches the name under which an agent offers the tool, which each agent writes in its own way. */
  readonly tool: RegExp;
  readonly script: ModelScript;
}

/** A model on loopback that follows a script, in the APIs of Anthropic, OpenAI and Gemini, as far as agents use them. */
export async function startFakeModel({ tool, script }: FakeModelOptions): Promise<FakeModel> {
  const problems: unknown[] = [];
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      problems.push(error);
      response.writeHead(500).end();
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const path = new URL(request.url ?? '/', 'http://model').pathname;
    const wire = request.method === 'POST' ? wireOf(path) : undefined;
    if (wire === undefined) return void response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const name = wire.toolNames(body).find((each) => tool.test(each));
    // Agents ask for a title, a topic, a summary without tools.
    const turn: ModelTurn = name === undefined ? { say: 'A change.' } : await script(wire.results(body));
    const { type, text } = wire.write(turn, name ?? '', body);
    response.writeHead(200, { 'content-type': type }).end(text);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    problems,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
