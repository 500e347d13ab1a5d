import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

const source = new URL('../../../runtime/shared/audit/signing-key.ts', import.meta.url).href;

test('processes that start at once publish one key together', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-keys-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const writers = 4;
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const code = `
    const { workerData: { source, folder, gate, writers } } = require('node:worker_threads');
    import(source).then(({ publishKey }) => {
      Atomics.add(gate, 0, 1);
      while (Atomics.load(gate, 0) < writers);
      for (let i = 0; i < 100; i += 1) publishKey(folder, { kid: 'kid-' + i, publicKey: { kty: 'EC' } });
    });`;
  const ended = Array.from({ length: writers }, () => {
    const worker = new Worker(code, { eval: true, workerData: { source, folder, gate, writers } });
    return new Promise((resolve, reject) => {
      worker.on('error', reject);
      worker.on('exit', resolve);
    });
  });
  assert.deepEqual(await Promise.all(ended), [0, 0, 0, 0]);
  assert.deepEqual(readdirSync(folder).length, 100, 'nothing is left beside the keys');
});
