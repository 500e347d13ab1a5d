import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { type Logger, pino } from 'pino';
import type { AuthorizationEnv } from '../../runtime/authorization/env.ts';
import { type Browser, openBrowser, type Visit } from '../support/browser.ts';
import { type CognitoDouble, startCognitoDouble } from '../support/cognito-double.ts';
import {
  authorizationUrl,
  callback,
  freePort,
  postForm,
  postgres,
  registeredId,
  startWorld,
  verifier,
  type World,
  type WorldOptions,
} from './world.ts';

export interface UpstreamWorld extends World {
  readonly pool: CognitoDouble;
  readonly clientId: string;
  /** Of a further replica. */
  readonly env: Partial<AuthorizationEnv>;
  /** Every line of the log, as text. */
  readonly lines: readonly string[];
  /** The authorization request of a client, for one server. */
  request(parameters?: Readonly<Record<string, string>>): string;
  /** Everything in the table whose key begins so. */
  items(prefix: string): Promise<readonly Record<string, unknown>[]>;
}

const scope = 'postgres:query:readonly';

/** An authorization server whose people sign in at a second, real OpenID provider that plays Cognito. */
export async function startUpstreamWorld(
  t: TestContext,
  options: WorldOptions & { readonly poolHost?: string } = {},
): Promise<UpstreamWorld> {
  const port = await freePort();
  const issuer = options.env?.AUTHORIZATION_ISSUER ?? `http://127.0.0.1:${port}`;
  const pool = await startCognitoDouble(`${issuer}/sign-in/callback`, options.poolHost);
  t.after(() => pool.close());
  const { lines, logger } = listening();
  const env = {
    AUTHORIZATION_ISSUER: issuer,
    AUTHORIZATION_PORT: port,
    TOOLGATE_SAMPLE_USERS: false,
    UPSTREAM_OIDC_ISSUER: pool.issuer,
    UPSTREAM_OIDC_CLIENT_ID: pool.clientId,
    UPSTREAM_OIDC_CLIENT_SECRET: pool.clientSecret,
    ...options.env,
  };
  const world = await startWorld(t, { ...options, env, parts: { logger, ...options.parts } });
  const clientId = await registeredId(issuer);
  return {
    ...world,
    pool,
    clientId,
    env,
    lines,
    request: (parameters = {}) =>
      authorizationUrl(issuer, { client_id: clientId, resource: postgres, scope, ...parameters }),
    async items(prefix) {
      const { Items = [] } = await world.store.client.send(new ScanCommand({ TableName: 'test-authorization' }));
      const plain = Items.map((item) => Object.fromEntries(Object.entries(item).map(([k, v]) => [k, v.S ?? v.N])));
      return plain.filter(({ pk }) => String(pk).startsWith(prefix));
    },
  };
}

/** A real logger whose lines are kept. */
function listening(): { readonly lines: string[]; readonly logger: Logger } {
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
  return { lines, logger };
}

/** Signs in and says yes; the code that the client gets. */
export async function allow(world: UpstreamWorld, browser: Browser = openBrowser(), url = world.request()) {
  const page = await browser.follow(url);
  assert.equal(page.status, 200, sentenceOf(page));
  const { next = '' } = await browser.go(page.url, { prompt: 'consent', choice: 'allow' });
  const { next: answer = '' } = await browser.follow(next, callback);
  return new URL(answer).searchParams.get('code') ?? '';
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

export async function redeem({ issuer, clientId }: UpstreamWorld, code: string): Promise<Tokens> {
  const form = { grant_type: 'authorization_code', code, client_id: clientId, redirect_uri: callback };
  const response = await postForm(`${issuer}/token`, { ...form, code_verifier: verifier });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Tokens;
}

export async function refresh({ issuer, clientId }: UpstreamWorld, refreshToken: string): Promise<Response> {
  return postForm(`${issuer}/token`, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: clientId,
  });
}

/** The text of a page. */
export function sentenceOf({ text }: Visit): string {
  return text.replace(/<style>.*?<\/style>|<[^>]*>/gs, ' ').replace(/\s+/g, ' ');
}

/** The page of somebody who was not let in: its status and sentence; nobody is remembered, and the question stays open. */
export async function expectNobody(world: UpstreamWorld, page: Visit, status: number, sentence: RegExp): Promise<void> {
  assert.equal(page.status, status, sentenceOf(page));
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.match(sentenceOf(page), sentence);
  assert.deepEqual(await world.items('Account:'), [], 'nobody is remembered');
  for (const item of await world.items('Interaction:')) assert.ok(!String(item.body).includes('"result"'), 'no answer');
  assert.deepEqual(await world.items('Grant:'), []);
}
