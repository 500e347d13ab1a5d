import assert from 'node:assert/strict';
import { test } from 'node:test';
import { approvalsEnv, pageProblem } from '../../runtime/approvals/env.ts';
import { openPages } from '../../runtime/approvals/open-pages.ts';
import { readEnv } from '../../runtime/shared/read-env.ts';

const key = 'A'.repeat(43);
const env = {
  PUBLIC_URL: 'https://mcp.example.com',
  POLICY_DIR: '/policy',
  TABLE_PREFIX: 'test-',
  AUDIT_DIR: '/audit',
};
const read = (more: Readonly<Record<string, string>>) => readEnv(approvalsEnv, { ...env, ...more }, pageProblem);

test('there is a page where people can sign in, and none elsewhere', () => {
  const issuer = 'https://id.example.com';
  const deps = {} as Parameters<typeof openPages>[1];
  assert.equal(openPages(read({}), deps), undefined);
  assert.ok(openPages(read({ AUTHORIZATION_ISSUER: issuer, APPROVALS_COOKIE_KEY: key }), deps));
  assert.throws(
    () => openPages(read({ AUTHORIZATION_ISSUER: issuer, APPROVALS_COOKIE_KEY: 'short' }), deps),
    /APPROVALS_COOKIE_KEY must be base64 of 32 bytes/,
  );
});

test('a page that anybody on the way could read, or that is half set up, is a sentence at the start', () => {
  const issuer = 'https://id.example.com';
  for (const [more, sentence] of [
    [{ AUTHORIZATION_ISSUER: issuer }, /belong together/],
    [{ APPROVALS_COOKIE_KEY: key }, /belong together/],
    [{ AUTHORIZATION_ISSUER: 'http://id.example.com', APPROVALS_COOKIE_KEY: key }, /must be https/],
    [{ AUTHORIZATION_ISSUER: 'http://localhost.example.com', APPROVALS_COOKIE_KEY: key }, /must be https/],
    [
      { AUTHORIZATION_ISSUER: issuer, APPROVALS_COOKIE_KEY: key, PUBLIC_URL: 'https://mcp.example.com/x' },
      /no path, got https:\/\/mcp.example.com\/x/,
    ],
  ] as const) {
    assert.throws(() => read(more), sentence);
  }
  read({
    AUTHORIZATION_ISSUER: 'http://localhost:4401',
    APPROVALS_COOKIE_KEY: key,
    PUBLIC_URL: 'http://localhost:4402',
  });
});
