import type { JsonWebKey } from 'node:crypto';
import { auditEnv } from '../shared/audit/audit-env.ts';
import { cognitoIssuers } from '../shared/cognito-issuers.ts';
import { policyEnv } from '../shared/policy-source/policy-env.ts';
import {
  type EnvOf,
  type EnvVariable,
  integer,
  list,
  type OptionalEnvVariable,
  text,
  url,
} from '../shared/read-env.ts';
import { signingKeysEnv } from '../shared/signing-keys/signing-keys-env.ts';

/** Every variable that the gateway reads. Units are in the names and sentences; nothing else is read anywhere. */
export const gatewayEnv = {
  HOST: text('address to listen on', '0.0.0.0'),
  PORT: integer('port to listen on; 0 takes a free one', { min: 0, max: 65_535 }, 8080),
  MTLS_PORT: optional(
    integer(
      'port for a load balancer that verifies client certificates: only there are its X-Amzn-Mtls-* headers believed; 0 takes a free one. Unset: none',
      { min: 0, max: 65_535 },
    ),
  ),
  PROXY_HOPS: integer(
    'proxies in front that each add one address to X-Forwarded-For: 1 behind a load balancer; 0 believes no such header',
    { min: 0, max: 8 },
    0,
  ),
  PUBLIC_URL: url('URL that clients use; tokens are issued for resources under it'),
  ALLOWED_HOSTS: list('further Host headers to answer to, as name or name:port', []),
  ALLOWED_ORIGINS: list('further web origins that may call', []),
  ISSUERS: issuerList('issuers whose tokens are accepted, each as ISSUER=JWKS_URL, separated by commas'),
  COGNITO_ISSUERS: cognitoIssuers(
    'JSON list of Cognito user pools whose access tokens are accepted too: [{"issuer","jwksUri","clientIds":["…"],"resourceServerIdentifier":"…"}]; the identifier may be a list',
  ),
  TRUST_DOMAIN: text('SPIFFE trust domain of the gateway, for the act claim of upstream tokens', 'toolgate.local'),
  UPSTREAM_SIGNING_JWKS: json<readonly JsonWebKey[]>(
    'JSON list of private EC P-256 JWKs that sign upstream tokens: the first signs, all are published; the same for every replica. Unset: keys of this process alone, for a single replica',
    (value) => Array.isArray(value),
    [],
  ),
  ...signingKeysEnv,
  REGISTRY_KMS_KEY_ID: text(
    'KMS key that endorses the keys of the registry, another one than UPSTREAM_KMS_KEY_ID; only its public half is asked for. Unset: no key set of the registry is served',
    '',
  ),
  REQUEST_STATE_KEY: secretKey(
    'key that seals what clients carry while a person decides: 32 bytes in base64, or 43 letters and digits, the same for every replica. Unset: a key of this process',
  ),
  APPROVALS_URL: url('origin of the approvals page; empty: PUBLIC_URL, behind the same load balancer', ''),
  APPROVAL_HOLD_MS: integer(
    'longest wait of one message for a person who decides, milliseconds; 0 answers at once. Below the 60 s after which clients and load balancers give up',
    { min: 0, max: 45_000 },
    45_000,
  ),
  APPROVAL_WAIT_MS: integer(
    'how long people have to answer a question, milliseconds',
    { min: 1000, max: 604_800_000 },
    86_400_000,
  ),
  QUESTIONS_PER_HOUR_MAX: integer(
    'new questions to people that one caller may open in an hour of the clock; further calls that need one are refused until the next',
    { min: 1, max: 100_000 },
    100,
  ),
  APPROVAL_WORKFLOW_ARN: text('state machine that an execution is started of for each question; empty: none', ''),
  MASK_KEY: secretKey(
    'key of pseudonyms in masked columns: 32 bytes in base64, or 43 letters and digits, the same for every replica. Unset: a key of this process',
  ),
  ...policyEnv,
  ...auditEnv,
  AUDIT_WRITER: text('name of this writer in the record; one per replica', 'gateway'),
  TABLE_PREFIX: text('what stands before the table names'),
  AWS_REGION: text('region of DynamoDB, KMS, S3, SSM and Step Functions', 'us-east-1'),
  DYNAMODB_ENDPOINT: text('endpoint of an embedded DynamoDB; empty for the AWS one', ''),
  CATALOGUE_POLL_MS: integer('how often the catalogue version is read, milliseconds', { min: 100, max: 60_000 }, 1000),
  CATALOGUE_AGE_MAX_S: integer(
    'how long the last good catalogue serves when DynamoDB is silent, seconds; calls are refused after it',
    { min: 1, max: 86_400 },
    300,
  ),
  QUOTA_DEADLINE_MS: integer(
    'for one count in DynamoDB, milliseconds; a later one is a refusal',
    { min: 10, max: 10_000 },
    250,
  ),
  BODY_BYTES_MAX: integer('largest message, bytes', { min: 1024, max: 16_777_216 }, 1_048_576),
  UPSTREAM_CONNECTIONS_MAX: integer('connections to one tool server', { min: 1, max: 10_000 }, 256),
  UPSTREAM_CONNECT_TIMEOUT_MS: integer(
    'to a connection with a tool server, milliseconds',
    { min: 50, max: 60_000 },
    3000,
  ),
  UPSTREAM_IDLE_TIMEOUT_MS: integer(
    'to the first byte of an answer and between two, milliseconds',
    { min: 50, max: 3_600_000 },
    60_000,
  ),
  DRAIN_TIMEOUT_MS: integer('for calls under way after SIGTERM, milliseconds', { min: 0, max: 600_000 }, 20_000),
  ANONYMOUS_DISCOVERY: oneOf('what discovery tells without a token', ['names', 'off'], 'names'),
  LOG_LEVEL: oneOf('how much is logged', ['fatal', 'error', 'warn', 'info', 'debug', 'silent'], 'info'),
} as const;

export type GatewayEnv = EnvOf<typeof gatewayEnv>;

/** What is wrong with where signing keys come from, in one sentence; undefined when nothing is. */
export function signingKeysProblem(source: Readonly<Record<string, unknown>>): string | undefined {
  const { UPSTREAM_KMS_KEY_ID: root, UPSTREAM_SIGNING_JWKS: given, REGISTRY_KMS_KEY_ID: registryRoot } = source;
  if (root && given)
    return 'UPSTREAM_KMS_KEY_ID and UPSTREAM_SIGNING_JWKS are both set: keys are made here and endorsed by KMS, or given, so set one of them';
  if (root && root === registryRoot)
    return 'REGISTRY_KMS_KEY_ID is UPSTREAM_KMS_KEY_ID: who holds the registry could sign as the gateway, so give each a key of its own';
  return undefined;
}

function optional<T>(variable: EnvVariable<T>): OptionalEnvVariable<T | undefined> {
  return { ...variable, fallback: undefined };
}

function oneOf<const T extends string>(what: string, values: readonly T[], fallback: T): OptionalEnvVariable<T> {
  return {
    what: `${what}: ${values.join(', ')}`,
    fallback,
    parse: (value) => {
      const found = values.find((each) => each === value);
      if (found === undefined) throw new Error(`got ${value}`);
      return found;
    },
  };
}

/** An issuer and where its keys are. */
export interface IssuerSetting {
  readonly issuer: string;
  readonly jwksUri: string;
}

function issuerList(what: string): EnvVariable<readonly IssuerSetting[]> {
  return {
    what,
    parse: (value) => {
      const issuers = value.split(',').map((item) => {
        const [issuer = '', jwksUri = '', ...rest] = item.trim().split('=');
        const isWhole = rest.length === 0 && [issuer, jwksUri].every((part) => URL.canParse(part));
        if (!isWhole) throw new Error(`expected ISSUER=JWKS_URL, got ${item}`);
        return { issuer, jwksUri };
      });
      return issuers;
    },
  };
}

function json<T>(what: string, isRight: (value: unknown) => boolean, fallback: T): OptionalEnvVariable<T> {
  return {
    what,
    fallback,
    parse: (value) => {
      let parsed: unknown;
      try {
        parsed = JSON.parse(value);
      } catch {
        // The parser's message would quote the value, which holds private keys.
        throw new Error('not JSON');
      }
      if (!isRight(parsed)) throw new Error('not a list');
      return parsed as T;
    },
  };
}

function secretKey(what: string): OptionalEnvVariable<Uint8Array | undefined> {
  return {
    what,
    fallback: undefined,
    parse: (value) => {
      // 43 characters carry 258 bits: the last two of a generated secret go unread.
      if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(value)) {
        throw new Error(
          `expected 43 characters of base64, with or without "=" at the end, got ${value.length} characters`,
        );
      }
      return Buffer.from(value, 'base64');
    },
  };
}
