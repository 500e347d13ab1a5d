import { randomUUID } from 'node:crypto';
import type { AuditEvent } from '../contract/audit-event.ts';
import type { Json } from '../contract/json.ts';
import type { CapabilityManifest, ServerVersion } from '../contract/registry.ts';
import { blankEvent } from '../shared/audit/blank-event.ts';
import { reasonOf, toRefusal } from '../shared/refusal.ts';
import type { RegistryDeps } from './deps.ts';
import type { RegistrationRequest } from './register-server.ts';

/** What the record of a registration learns on the way. */
export interface RegistrationRecord {
  manifest(manifest: CapabilityManifest): void;
  warnings(warnings: readonly string[]): void;
  version(version: ServerVersion): void;
  outcome(outcome: string): void;
}

/** Registrations belong to the platform, not to a tenant, unless somebody of a tenant asked for them. */
const platformTenant = '_platform';

/** Whom a record is about, and whether it is written. */
export interface Recorded {
  readonly by: RegistrationRequest['by'] | undefined;
  /** Undefined: every outcome is. */
  readonly isNews: RegistrationRequest['isNews'] | undefined;
  /** What is known of the server before it is asked. */
  readonly server: string | undefined;
  /** Where the manifest, or the declaration, is. */
  readonly url: string;
}

/** Runs `work` and writes one `registration` event on every outcome that is news, before anybody learns of it. */
export async function recorded<T>(
  { by, server, url, isNews = () => true }: Recorded,
  deps: Pick<RegistryDeps, 'audit' | 'now' | 'logger'>,
  work: (record: RegistrationRecord) => Promise<T>,
): Promise<T> {
  const startedAtMs = deps.now();
  const known: {
    manifest?: CapabilityManifest;
    version?: ServerVersion;
    warnings?: readonly string[];
    outcome?: string;
  } = {};
  const record: RegistrationRecord = {
    manifest: (manifest) => Object.assign(known, { manifest }),
    warnings: (warnings) => Object.assign(known, { warnings }),
    version: (version) => Object.assign(known, { version }),
    outcome: (outcome) => Object.assign(known, { outcome }),
  };
  const write = (outcome: Pick<AuditEvent, 'outcome' | 'code' | 'reason'>) =>
    deps.audit.append({
      ...blankEvent,
      event: 'registration',
      time: new Date(deps.now()).toISOString(),
      tenant: by?.tenant ?? platformTenant,
      call_id: randomUUID(),
      caller: by === undefined ? null : { subject: by.subject, kind: by.kind, roles: by.roles, scopes: [] },
      server: known.manifest?.server.name ?? server ?? null,
      version: known.manifest?.server.version ?? null,
      arguments: argumentsOf(),
      response: known.outcome ?? null,
      ...outcome,
      latency_ms: { total: Math.max(0, deps.now() - startedAtMs) },
    });

  function argumentsOf(): Json {
    const { version, warnings } = known;
    return {
      manifest_url: url,
      owner: known.manifest?.server.owner ?? null,
      tools: version?.tools.map(({ name, definitionHash }) => ({ name, definition_hash: definitionHash })) ?? [],
      warnings: warnings ?? [],
    };
  }

  let result: T;
  try {
    result = await work(record);
  } catch (error) {
    const refusal = toRefusal(error);
    if (!isNews(`${refusal.code}: ${refusal.message}`)) throw error;
    const isBug = refusal.code === 'internal_error';
    deps.logger.warn({ url, server, code: refusal.code, err: error }, 'a registration was refused');
    await write({ outcome: isBug ? 'failed' : 'refused', code: refusal.code, reason: reasonOf(refusal) });
    throw error;
  }
  if (!isNews(known.outcome ?? '')) return result;
  await write({ outcome: 'ok', code: null, reason: null });
  deps.logger.info(
    { url, server: known.manifest?.server.name ?? server, version: known.version?.version, outcome: known.outcome },
    'the registration is recorded',
  );
  return result;
}
