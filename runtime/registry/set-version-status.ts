import type { ServerEntry, ServerVersion } from '../contract/registry.ts';
import type { CatalogueStore } from '../shared/catalogue-store.ts';
import { Refusal } from '../shared/refusal.ts';

/** The next stage of a version's life. Times are milliseconds since the epoch, guides https URLs. */
export type StatusChange =
  | { readonly status: 'active' }
  | {
      readonly status: 'deprecated';
      readonly deprecatedAtMs: number;
      readonly sunsetAtMs?: number;
      readonly guideUrl?: string;
    }
  | { readonly status: 'sunset'; readonly sunsetAtMs: number; readonly guideUrl?: string }
  | { readonly status: 'disabled' | 'quarantined'; readonly reason: string };

/**
 * Moves one version to another stage. What a later stage does not name of an earlier one stays: a sunset version keeps its guide.
 * Throws Refusal `server_unknown` when there is no such version, `manifest_invalid` when dates or guide make no sense, or
 * `catalogue_unavailable`.
 */
export async function setVersionStatus(
  store: Pick<CatalogueStore, 'change'>,
  name: string,
  version: string,
  change: StatusChange,
): Promise<ServerEntry> {
  checkChange(change);
  return store.change(name, (current) => {
    const found = current?.versions.find((each) => each.version === version);
    if (current === undefined || found === undefined) {
      throw new Refusal('server_unknown', { reason: `There is no version ${version} of ${name}.` });
    }
    const next = applyChange(found, change);
    if (next.deprecatedAtMs !== undefined && next.sunsetAtMs !== undefined && next.sunsetAtMs < next.deprecatedAtMs) {
      throw senseless('A version is sunset after it is deprecated, not before.');
    }
    return { ...current, versions: current.versions.map((each) => (each === found ? next : each)) };
  });
}

function applyChange(version: ServerVersion, change: StatusChange): ServerVersion {
  const { statusReason: _old, withdrawn: _withdrawn, ...rest } = version;
  if (change.status === 'active') {
    const { deprecatedAtMs: _deprecated, sunsetAtMs: _sunset, guideUrl: _guide, ...bare } = rest;
    return { ...bare, status: 'active' };
  }
  if (change.status === 'deprecated' || change.status === 'sunset') return { ...rest, ...change };
  return { ...rest, status: change.status, statusReason: change.reason };
}

function checkChange(change: StatusChange): void {
  for (const key of ['deprecatedAtMs', 'sunsetAtMs'] as const) {
    const time = (change as Partial<Record<typeof key, number>>)[key];
    if (time !== undefined && !(Number.isSafeInteger(time) && time > 0)) throw senseless(`${key} is not a time.`);
  }
  // The guide goes into a Link header and a 410: only a plain https URL may.
  if ('guideUrl' in change && change.guideUrl !== undefined && !isPlainHttps(change.guideUrl)) {
    throw senseless('The migration guide is not an https URL.');
  }
  if ('reason' in change && change.reason.trim() === '') throw senseless('Say why, in a sentence for its owner.');
}

function isPlainHttps(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null && url.protocol === 'https:' && url.username === '' && /^[!-~]+$/.test(text) && !/[<>"]/.test(text)
  );
}

function senseless(reason: string): Refusal {
  return new Refusal('manifest_invalid', { reason });
}
