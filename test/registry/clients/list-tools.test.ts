import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createListTools } from '../../../runtime/registry/clients/list-tools.ts';
import { Refusal } from '../../../runtime/shared/refusal.ts';
import type { SafeFetch } from '../../../runtime/shared/safe-fetch.ts';

/** A server that has a next page for ever, each with one tool of `toolBytes`. */
function endless(toolBytes: number, onPage: () => void) {
  let pages = 0;
  const fetch: SafeFetch = async (_url, { body = '' } = {}) => {
    pages += 1;
    onPage();
    const result = { tools: [{ name: `t${pages}`, description: 'x'.repeat(toolBytes) }], nextCursor: String(pages) };
    const answer = { jsonrpc: '2.0', id: JSON.parse(body).id, result };
    const headers = new Headers({ 'content-type': 'application/json' });
    return { status: 200, headers, body: Buffer.from(JSON.stringify(answer)) };
  };
  return { fetch, pages: () => pages };
}

test('a server that takes its time for each page holds up the others for half a minute at most', async () => {
  let nowMs = 0;
  const server = endless(1, () => {
    nowMs += 9000;
  });
  const list = createListTools({ fetch: server.fetch, token: () => 't', now: () => nowMs });
  await assert.rejects(list('https://slow.test/mcp', 'urn:slow'), (error: unknown) => {
    return error instanceof Refusal && error.code === 'upstream_timeout' && /in 30 s/.test(error.message);
  });
  assert.equal(server.pages(), 4);
});

test('a server with page after page of large tools is left before they fill the memory', async () => {
  const server = endless(1024 * 1024, () => undefined);
  const list = createListTools({ fetch: server.fetch, token: () => 't' });
  await assert.rejects(list('https://large.test/mcp', 'urn:large'), (error: unknown) => {
    return error instanceof Refusal && error.code === 'upstream_too_large' && /8 MiB/.test(error.message);
  });
  assert.equal(server.pages(), 8);
});
