import type { OptionalEnvVariable } from './read-env.ts';
import type { TrustedIssuer } from './token-verifier.ts';

/** A variable that lists Cognito user pools as JSON. Empty: none. */
export function cognitoIssuers(what: string): OptionalEnvVariable<readonly TrustedIssuer[]> {
  return { what, fallback: [], parse: (value) => readList(value) };
}

function readList(value: string): readonly TrustedIssuer[] {
  let list: unknown;
  try {
    list = JSON.parse(value);
  } catch (cause) {
    throw new Error('not JSON', { cause });
  }
  if (!Array.isArray(list)) throw new Error('not a list');
  return list.map(readIssuer);
}

const members = ['issuer', 'jwksUri', 'clientIds', 'resourceServerIdentifier'];

function readIssuer(entry: unknown, index: number): TrustedIssuer {
  const wrong = (what: string) => new Error(`[${index}]${what}`);
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw wrong(' is no object');
  const { issuer, jwksUri, clientIds, resourceServerIdentifier } = entry as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(entry).find((name) => !members.includes(name));
  if (unknown !== undefined) throw wrong(`.${unknown} is not known; known are ${members.join(', ')}`);
  if (!isUrl(issuer)) throw wrong(`.issuer is no http(s) URL: ${issuer}`);
  if (!isUrl(jwksUri)) throw wrong(`.jwksUri is no http(s) URL: ${jwksUri}`);
  if (!areNames(clientIds)) throw wrong('.clientIds is no list of client ids, at least one');
  const identifiers =
    typeof resourceServerIdentifier === 'string' ? [resourceServerIdentifier] : resourceServerIdentifier;
  if (!areNames(identifiers)) throw wrong('.resourceServerIdentifier is no identifier and no list of them');
  return { issuer, jwksUri, cognito: { clientIds, resourceServerIdentifiers: identifiers } };
}

function isUrl(value: unknown): value is string {
  return typeof value === 'string' && /^https?:$/.test(URL.parse(value)?.protocol ?? '');
}

function areNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string' && each !== '');
}
