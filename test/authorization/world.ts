import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { AuthorizationParts } from '../../runtime/authorization/deps.ts';
import { type AuthorizationEnv, authorizationEnv } from '../../runtime/authorization/env.ts';
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../../runtime/authorization/start-authorization-server.ts';
import { driveSignIn } from '../../runtime/local/drive-sign-in.ts';
import { createCatalogueStore } from '../../runtime/shared/catalogue-store.ts';
import type { DynamoDBClient } from '../../runtime/shared/dynamo.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { readEnv } from '../../runtime/shared/read-env.ts';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { openTestDynamo, type TestDynamo, tablePrefix } from '../support/local-dynamo.ts';

export const gateway = 'http://127.0.0.1:4400';
export const everything = `${gateway}/mcp`;
export const postgres = `${gateway}/servers/postgres/mcp`;

export const catalogue = {
  postgres: {
    title: 'PostgreSQL, reading',
    scopes: { 'postgres:query:readonly': { words: 'run read-only SQL in the business database', changes: false } },
  },
  s3: {
    title: 'Object store',
    scopes: { 's3:list': { words: 'list the objects in your buckets', changes: false } },
  },
  'postgres-write': {
    title: 'PostgreSQL, writing',
    scopes: { 'postgres:query:write': { words: 'change rows in the business database', changes: true } },
  },
};

export interface WorldOptions {
  readonly store?: TestDynamo;
  readonly env?: Partial<AuthorizationEnv>;
  readonly parts?: Partial<AuthorizationParts>;
  /** @default those of {@link catalogue} */
  readonly servers?: 'none';
}

export interface World {
  readonly server: AuthorizationServer;
  readonly issuer: string;
  readonly store: TestDynamo;
}

/** A running authorization server on a fresh store, or on a given one as a further replica. */
export async function startWorld(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const store = options.store ?? (await openTestDynamo(t));
  if (options.servers !== 'none') await putCatalogue(store.client);
  const port = await freePort();
  const issuer = options.env?.AUTHORIZATION_ISSUER ?? `http://127.0.0.1:${port}`;
  const env = { ...environment(issuer), AUTHORIZATION_PORT: port, ...options.env };
  const server = await startAuthorizationServer(env, {
    dynamodb: store.client,
    logger: silentLogger(),
    ...options.parts,
  });
  t.after(() => server.close(0));
  return { server, issuer, store };
}

/** Registers the servers of {@link catalogue}, as the registry would. */
export async function putCatalogue(client: DynamoDBClient): Promise<void> {
  const servers = createCatalogueStore({ client, tablePrefix });
  for (const [name, { title, scopes }] of Object.entries(catalogue)) {
    const tools = Object.entries(scopes).map(([scope, { changes }]) =>
      sampleTool({ name: `${name.replace('-', '.')}.tool`, scopes: [scope], destructive: changes }),
    );
    const version = sampleVersion(`http://${name}.test/mcp`, tools, { audience: `urn:upstream:${name}` });
    await servers.put({ ...sampleServer(name, [version]), title, scopes });
  }
}

export function environment(issuer: string, more: Readonly<Record<string, string>> = {}): AuthorizationEnv {
  return readEnv(authorizationEnv, {
    AUTHORIZATION_ISSUER: issuer,
    GATEWAY_URL: gateway,
    TABLE_PREFIX: tablePrefix,
    TOOLGATE_SAMPLE_USERS: 'on',
    ...more,
  });
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

export const callback = 'http://127.0.0.1/callback';

/** Registers a client as today's MCP clients do (RFC 7591). */
export async function register(issuer: string, metadata: object = {}): Promise<Response> {
  return fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Test client',
      redirect_uris: [callback],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...metadata,
    }),
  });
}

export async function registeredId(issuer: string, metadata: object = {}): Promise<string> {
  return ((await (await register(issuer, metadata)).json()) as { client_id: string }).client_id;
}

export function postForm(url: string, form: Record<string, string>, headers: Record<string, string> = {}) {
  return fetch(url, {
    method: 'POST',
    headers: { accept: 'application/json', ...headers },
    body: new URLSearchParams(form),
  });
}

/** The claims of a JWT, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return partOf(token, 1);
}

export function headerOf(token: string): Record<string, unknown> {
  return partOf(token, 0);
}

function partOf(token: string, index: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString('utf8')) as Record<
    string,
    unknown
  >;
}

export const verifier = randomBytes(32).toString('base64url');

/** An authorization request; a parameter that is undefined is left out. */
export function authorizationUrl(issuer: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const all = {
    response_type: 'code',
    redirect_uri: callback,
    state: 'state-1',
    code_challenge: hash('sha256', verifier, 'base64url'),
    code_challenge_method: 'S256',
    ...parameters,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `${issuer}/authorize?${new URLSearchParams(given)}`;
}

export interface SignInWish {
  readonly clientId: string;
  readonly user: string;
  readonly resource?: string;
  readonly scope?: string;
  readonly redirectUri?: string;
  readonly choice?: 'allow' | 'deny';
  /** Replaces parameters of the token request. */
  readonly exchange?: Readonly<Record<string, string>>;
}

/** The whole flow, step by step: the authorization answer, the token request and its answer. */
export async function signIn(issuer: string, wish: SignInWish) {
  const { clientId, user, resource, scope, redirectUri = callback, choice = 'allow', exchange = {} } = wish;
  const url = authorizationUrl(issuer, { client_id: clientId, redirect_uri: redirectUri, resource, scope });
  const answer = await driveSignIn(url, redirectUri, { user, choice });
  const form: Record<string, string> = {
    grant_type: 'authorization_code',
    code: answer.searchParams.get('code') ?? '',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    ...exchange,
  };
  return { answer, form, response: await postForm(`${issuer}/token`, form) };
}

/** Key ids that a server publishes. */
export async function publishedKids(url: string): Promise<string[]> {
  const { keys } = (await (await fetch(`${url}/jwks`)).json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}
