import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const doc = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8');

/** What differs from run to run is written as a word in braces. */
export function asDocumented(said: string): string {
  return said
    .replace(/http[^\s"\\]*\/approvals\/[\w-]{22}/g, '{page}')
    .replace(/(\bid=|"id":")[\w-]{22}/g, '$1{id}')
    .replace(/\b[0-9a-f]{64}\b/g, '{sha256}')
    .replace(/SKU-\d+/g, '{sku}')
    .replace(/Wall time: [\d.]+/g, 'Wall time: {n}')
    .replace(/\d+ tokens left/g, '{n} tokens left')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
}

/** Holds that `docs/clients.md` says, in the section of a client, what the client just said. */
export function assertDocumented(client: string, story: string, said: string): void {
  const section =
    doc.split(/^## /m).find((each) => each.startsWith(`${client} `) || each.startsWith(`${client}\n`)) ?? '';
  const line = `${story.padEnd(10)}${asDocumented(said)}`;
  assert.ok(section.split('\n').includes(line), `docs/clients.md, "${client}", has no line\n${line}`);
}

/** Holds that the section of a client names the version that tests run. */
export function assertVersionDocumented(client: string, version: string): void {
  assert.match(doc, new RegExp(`^## ${client} ${version.replaceAll('.', '\\.')}$`, 'm'));
}
