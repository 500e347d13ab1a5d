import type { Json } from '../../contract/json.ts';
import { JsonError, parseJson } from '../../shared/parse-json.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { RegistryDeps } from '../deps.ts';

/** Where a manifest is, as its owner names it: its own URL, or that of its server. */
export type ManifestAddress = { readonly manifestUrl: string } | { readonly baseUrl: string };

const limits = { depthMax: 64, valuesMax: 200_000 };

/** The URL of the manifest. Throws Refusal `manifest_invalid` when the address is no URL. */
export function manifestUrl(address: ManifestAddress): string {
  const url =
    'manifestUrl' in address
      ? URL.parse(address.manifestUrl)
      : URL.parse('/.well-known/mcp-capabilities', address.baseUrl);
  if (url === null) throw new Refusal('manifest_invalid', { reason: 'The address of the manifest is not a URL.' });
  return url.href;
}

/**
 * Reads the manifest. Throws Refusal `address_not_allowed`, `upstream_timeout`, `upstream_too_large`, `upstream_unavailable` or
 * `upstream_invalid` when it cannot be had, and `manifest_invalid` when it is not JSON that everybody reads alike.
 */
export async function fetchManifest(url: string, deps: Pick<RegistryDeps, 'fetch'>): Promise<Json> {
  const { status, body } = await deps.fetch(url, { contentTypes: ['application/json'] });
  // Redirects are not followed: the origin that was named is the one that vouches.
  if (status !== 200) throw new Refusal('upstream_invalid', { reason: `The manifest answers with status ${status}.` });
  try {
    return parseJson(body, limits);
  } catch (error) {
    if (error instanceof JsonError) {
      throw new Refusal('manifest_invalid', { reason: error.message }, { cause: error });
    }
    throw error;
  }
}
