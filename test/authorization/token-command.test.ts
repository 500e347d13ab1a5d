import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sampleUsers } from '../../runtime/authorization/sample-users.ts';
import { claimsOf, freePort, postgres, startWorld } from './world.ts';

const program = fileURLToPath(new URL('../../bin/toolgate.mjs', import.meta.url));

async function run(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [program, 'token', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

function stateFolder(t: TestContext, platform?: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-token-'));
  t.after(() => rmSync(folder, { recursive: true }));
  if (platform !== undefined) writeFileSync(join(folder, 'platform.json'), JSON.stringify(platform));
  return folder;
}

test('the command prints one token and nothing else', async (t) => {
  const { issuer } = await startWorld(t);
  const state = stateFolder(t, { endpoint: 'http://127.0.0.1:4400/mcp', issuer, users: sampleUsers });
  const { code, out, err } = await run(['--user', 'oscar', '--resource', postgres, '--state', state]);
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const { sub, aud, scope } = claimsOf(out);
  assert.deepEqual([sub, aud, scope], ['oscar', postgres, 'postgres:query:readonly']);
  const write = await run(['--user', 'oscar', '--scope', 'postgres:query:write', '--state', state]);
  assert.equal(claimsOf(write.out).scope, 'postgres:query:write');
});

test('what is wrong is one sentence on standard error, and the exit code says which kind', async (t) => {
  const { issuer } = await startWorld(t);
  const running = stateFolder(t, { issuer, users: sampleUsers });
  const gone = stateFolder(t, { issuer: `http://127.0.0.1:${await freePort()}`, users: sampleUsers });
  const cases: readonly (readonly [args: readonly string[], code: number, err: RegExp])[] = [
    [
      ['--user', 'eve', '--state', running],
      1,
      /^There is no user "eve"\. The users are alice, oscar, ada, pat, bob, gina\.\n$/,
    ],
    [['--user', 'alice', '--state', stateFolder(t)], 1, /^No platform runs in .*: start it with npm start, or .*\.\n$/],
    [['--user', 'alice', '--state', gone], 1, /^No platform runs in /],
    [['--user', 'alice', '--state', stateFolder(t, 'x')], 1, /^\S*platform\.json cannot be read: .*\.\n$/],
    [
      ['--user', 'alice', '--resource', 'https://evil.example', '--state', running],
      1,
      /^The authorization server refused: .*invalid_target/,
    ],
    [
      ['--user', 'alice', '--scope', 'root', '--state', running],
      1,
      /^The authorization server refused: .*invalid_scope/,
    ],
    [['--state', running], 2, /^--user NAME is missing\.\nusage: toolgate token/],
    [['--user', 'alice', '--nonsense'], 2, /usage: toolgate token/],
  ];
  const answers = await Promise.all(cases.map(([args]) => run(args)));
  for (const [i, { code, out, err }] of answers.entries()) {
    const [args, wanted, sentence] = cases[i] as (typeof cases)[number];
    assert.deepEqual([code, out], [wanted, ''], `${args.join(' ')}: ${err}`);
    assert.match(err, sentence);
  }
});

test('--help says how, on standard output', async () => {
  const { code, out, err } = await run(['--help']);
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /--user NAME[\s\S]*exit code 0/);
});
