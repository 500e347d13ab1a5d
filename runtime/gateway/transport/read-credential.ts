import { Refusal } from '../../shared/refusal.ts';
import type { RequestHeaders } from './read-headers.ts';

/** Headers that carry, or would forge, another credential. None is read; beside a bearer token they make the caller unclear. */
const otherCredentials = ['x-api-key', 'api-key', 'x-toolgate-key', 'x-toolgate-signature', 'proxy-authorization'];

/**
 * The bearer token of a request; undefined when there is none. Throws Refusal `credentials_ambiguous` when there is more than one
 * credential or it comes in the query, where logs keep it (RFC 6750 § 2.3, MCP authorization § Token Requirements).
 */
export function readCredential(headers: RequestHeaders, query: string): string | undefined {
  const { authorization } = headers.values;
  if (headers.repeated.has('authorization')) throw new Refusal('credentials_ambiguous');
  if (query !== '' && new URLSearchParams(query).has('access_token')) {
    throw new Refusal('credentials_ambiguous', {
      reason: 'Send the token in the Authorization header, not in the query.',
    });
  }
  for (const name of otherCredentials) {
    if (headers.values[name] !== undefined) throw new Refusal('credentials_ambiguous');
  }
  if (authorization === undefined) return undefined;
  const match = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization);
  if (match === null) {
    throw new Refusal('token_invalid', { reason: 'The Authorization header holds no bearer token.' });
  }
  return match[1];
}
