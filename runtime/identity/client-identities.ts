/** Who a client of client credentials is, by its operator's word. */
export interface ClientIdentity {
  readonly tenant: string;
  readonly roles: readonly string[];
}

/** What the operator says about a client id; undefined when nothing. Rejects when nobody can be asked. */
export type FindClient = (clientId: string) => Promise<ClientIdentity | undefined>;

/** Reads one parameter; undefined when there is none. */
export type ReadParameter = (name: string) => Promise<string | undefined>;

export interface ClientIdentityEnv {
  /** JSON: client id to a tenant, or to `{"tenant","roles"}`. */
  readonly CLIENT_TENANTS?: string;
  /**
   * Path of SSM String parameters, one per client id, each with a tenant or `{"tenant","roles"}`. A function cannot know in its environment
   * the id of a client whose user pool calls it: that would be a circle in CloudFormation.
   */
  readonly CLIENTS_PATH?: string;
}

const cacheMs = 60_000;
const cachedMax = 1000;

/** Throws with a sentence when CLIENT_TENANTS is not of its form. */
export function createFindClient(
  env: ClientIdentityEnv,
  readParameter: ReadParameter = readFromSsm,
  now: () => number = Date.now,
): FindClient {
  const listed = readList(env.CLIENT_TENANTS);
  const path = env.CLIENTS_PATH?.replace(/\/$/, '');
  const cache = new Map<string, { readonly identity: ClientIdentity | undefined; readonly untilMs: number }>();
  return async (clientId) => {
    const known = listed.get(clientId);
    // Client ids of Cognito have this form, so no other parameter can be named.
    if (known !== undefined || !path || !/^\w{1,128}$/.test(clientId)) return known;
    const cached = cache.get(clientId);
    if (cached !== undefined && cached.untilMs > now()) return cached.identity;
    const text = await readParameter(`${path}/${clientId}`);
    const identity = text === undefined ? undefined : identityOf(parsed(text), clientId);
    if (cache.size >= cachedMax) cache.clear();
    cache.set(clientId, { identity, untilMs: now() + cacheMs });
    return identity;
  };
}

function readList(text: string | undefined): ReadonlyMap<string, ClientIdentity> {
  if (text === undefined || text === '') return new Map();
  const list = parsed(text);
  if (!isObject(list)) throw new Error('CLIENT_TENANTS must be a JSON object of client ids.');
  return new Map(Object.entries(list).map(([clientId, value]) => [clientId, identityOf(value, clientId)]));
}

function identityOf(value: unknown, clientId: string): ClientIdentity {
  const { tenant, roles = [] } = isObject(value) ? value : { tenant: value };
  const isRight =
    typeof tenant === 'string' &&
    Array.isArray(roles) &&
    roles.every((role): role is string => typeof role === 'string');
  if (!isRight) throw new Error(`What is said about the client ${clientId} is no tenant and no {"tenant","roles"}.`);
  return { tenant, roles };
}

/** A parameter may hold the bare name of a tenant. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function readFromSsm(name: string): Promise<string | undefined> {
  // Loaded when it is needed: a pool without such clients starts its function sooner.
  const { GetParameterCommand, ParameterNotFound, SSMClient } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient({ maxAttempts: 2, requestHandler: { connectionTimeout: 500, requestTimeout: 1500 } });
  try {
    return (await client.send(new GetParameterCommand({ Name: name }))).Parameter?.Value;
  } catch (error) {
    if (error instanceof ParameterNotFound) return undefined;
    throw error;
  } finally {
    client.destroy();
  }
}
