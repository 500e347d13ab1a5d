import { auditEnv } from '../shared/audit/audit-env.ts';
import {
  type EnvOf,
  type EnvVariable,
  flag,
  integer,
  type OptionalEnvVariable,
  text,
  url,
} from '../shared/read-env.ts';
import { signingKeysEnv } from '../shared/signing-keys/signing-keys-env.ts';

/** Every variable of the registry. Units are in the names and sentences; nothing else is read anywhere. */
export const registryEnv = {
  HOST: text('address to listen on', '0.0.0.0'),
  PORT: integer('port to listen on; 0 takes a free one', { min: 0, max: 65_535 }, 8080),
  GATEWAY_URL: url('public URL of the gateway, under which the registry’s own issuer is: no audience of a tool server'),
  AUTHORIZATION_ISSUER: url('issuer identifier of the authorization server: no audience of a tool server either'),
  TRUST_DOMAIN: text(
    'SPIFFE trust domain of the platform, for the act claim of the registry’s tokens',
    'toolgate.local',
  ),
  DECLARATIONS_PATH: path('SSM path of the server declarations, e.g. /toolgate/prod/servers'),
  DECLARATIONS_POLL_MS: integer(
    'how often the declarations are read, milliseconds; up to a tenth is added',
    { min: 100, max: 3_600_000 },
    30_000,
  ),
  DECLARATIONS_RECHECK_MS: integer(
    'how often a server is asked again whose declaration did not change, milliseconds',
    { min: 1000, max: 86_400_000 },
    300_000,
  ),
  TOOL_DOMAIN: domain(
    'domain of the tool servers inside the network, e.g. tools.prod.internal: only names below it may lead to private addresses',
  ),
  TOOLGATE_LOOPBACK_SERVERS: flag(
    '"on" lets tool servers be on this machine; only with a gateway on a loopback http URL',
  ),
  ...signingKeysEnv,
  TABLE_PREFIX: text('what stands before the table names'),
  AWS_REGION: text('region of DynamoDB and SSM', 'us-east-1'),
  DYNAMODB_ENDPOINT: text('endpoint of an embedded DynamoDB; empty for the AWS one', ''),
  ...auditEnv,
  AUDIT_WRITER: text('name of this writer in the record; one per replica of AUDIT_DIR', 'registry'),
  DRAIN_TIMEOUT_MS: integer(
    'for a registration under way after SIGTERM, milliseconds',
    { min: 0, max: 600_000 },
    20_000,
  ),
  LOG_LEVEL: text('how much is logged: fatal, error, warn, info, debug or silent', 'info'),
} as const;

export type RegistryEnv = EnvOf<typeof registryEnv>;

/** Throws with one sentence when the variables contradict each other or would be unsafe. */
export function checkRegistryEnv(env: RegistryEnv): void {
  if (!env.TOOLGATE_LOOPBACK_SERVERS) return;
  const { protocol, hostname } = new URL(env.GATEWAY_URL);
  if (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return;
  throw new Error(
    `TOOLGATE_LOOPBACK_SERVERS is refused for the gateway ${env.GATEWAY_URL}: only one on a loopback http URL may have it.`,
  );
}

function path(what: string): EnvVariable<string> {
  return {
    what,
    parse(value) {
      if (!/^(\/[A-Za-z0-9._-]+)+$/.test(value)) throw new Error(`expected /part/part, got ${value}`);
      return value;
    },
  };
}

function domain(what: string): OptionalEnvVariable<string | undefined> {
  return {
    what,
    fallback: undefined,
    parse(value) {
      const isDomain =
        value.length <= 200 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/.test(value);
      // "com" or "internal" alone would open far more than one's own servers.
      if (!isDomain) throw new Error(`expected a domain of two labels or more in lower case, got ${value}`);
      return value;
    },
  };
}
