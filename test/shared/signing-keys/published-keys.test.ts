import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIssuerKeys } from '../../../runtime/shared/issuer-keys.ts';
import { silentLogger } from '../../../runtime/shared/logger.ts';
import { endorseKey } from '../../../runtime/shared/signing-keys/key-statement.ts';
import { createPublishedKeys } from '../../../runtime/shared/signing-keys/published-keys.ts';
import { generateSigningKey } from '../../../runtime/shared/signing-keys/signing-keys.ts';
import { actors, createEndorser } from '../../support/signing-world.ts';

test('a service that is started again each minute for a day makes no key set that its readers cannot take', async () => {
  const root = createEndorser();
  const nowMs = 1_795_000_000_000;
  const statements: { kid: string; statement: string }[] = [];
  for (let n = 0; n < 4100; n += 1) {
    const key = generateSigningKey();
    const issuedAtMs = nowMs - n * 20_000;
    const about = { actor: actors.gateway, writer: `w-${n}`, issuedAtMs };
    const statement = await endorseKey(key, root, { ...about, expiresAtMs: issuedAtMs + 86_400_000 });
    statements.push({ kid: key.kid, statement });
  }
  const published = createPublishedKeys({
    store: { list: async () => statements },
    actor: actors.gateway,
    root: async () => root,
    now: () => nowMs,
    logger: silentLogger(),
  });
  const set = await published.jwks();
  // A day of one a minute is 1,440.
  const keys = createIssuerKeys({
    jwksUri: 'http://gateway.test/jwks',
    now: () => nowMs,
    fetch: async () => Response.json(set),
  });
  for (const n of [0, 1440, 3999]) assert.ok(await keys.find(statements[n]?.kid ?? ''), `key ${n}`);
  assert.equal(set.keys.length, 4000, 'the youngest');
});
