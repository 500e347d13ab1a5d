import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cognitoIssuers } from '../../runtime/shared/cognito-issuers.ts';

const { parse, fallback } = cognitoIssuers('pools');
const pool = {
  issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE',
  jwksUri: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE/.well-known/jwks.json',
  clientIds: ['one', 'two'],
  resourceServerIdentifier: 'https://mcp.example.com',
};
const { issuer, jwksUri, clientIds } = pool;

test('a pool is read, with one resource server or several', () => {
  assert.deepEqual(fallback, []);
  const identifiers = ['https://mcp.example.com'];
  const read = { issuer, jwksUri, cognito: { clientIds, resourceServerIdentifiers: identifiers } };
  assert.deepEqual(parse(JSON.stringify([pool])), [read]);
  assert.deepEqual(parse(JSON.stringify([{ ...pool, resourceServerIdentifier: identifiers }])), [read]);
});

const wrong: readonly (readonly [unknown, RegExp])[] = [
  [pool, /not a list/],
  [['x'], /\[0\] is no object/],
  [[pool, { ...pool, issuer: 'eu-central-1_EXAMPLE' }], /\[1\]\.issuer is no http\(s\) URL: eu-central-1_EXAMPLE/],
  [[{ ...pool, jwksUri: undefined }], /\[0\]\.jwksUri is no http/],
  [[{ ...pool, clientIds: [] }], /\[0\]\.clientIds is no list/],
  [[{ ...pool, clientIds: [''] }], /\[0\]\.clientIds is no list/],
  [[{ ...pool, resourceServerIdentifier: '' }], /\[0\]\.resourceServerIdentifier is no identifier/],
  [[{ ...pool, clientId: 'one' }], /\[0\]\.clientId is not known; known are issuer, jwksUri, clientIds/],
];

test('a mistake is named with its place', () => {
  for (const [value, sentence] of wrong) assert.throws(() => parse(JSON.stringify(value)), sentence);
  assert.throws(() => parse('{'), /not JSON/);
});
