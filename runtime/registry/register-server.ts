import type { CapabilityManifest, ScopeWords, ServerEntry, ServerVersion } from '../contract/registry.ts';
import type { ServerDeclaration } from '../contract/server-declaration.ts';
import type { RegistryDeps } from './deps.ts';
import { recorded } from './recorded.ts';
import { agreeWithDeclaration } from './steps/agree-with-declaration.ts';
import { checkManifest } from './steps/check-manifest.ts';
import { compareTools } from './steps/compare-tools.ts';
import { fetchManifest, type ManifestAddress, manifestUrl } from './steps/fetch-manifest.ts';
import { lintTools } from './steps/lint-tools.ts';
import { type Published, pinVersion, publishVersion } from './steps/publish-version.ts';

/** What is to be registered, and by whom. */
export type RegistrationRequest = ManifestAddress & {
  /** The team that registers; the manifest must name the same one. @default whoever the manifest names */
  readonly owner?: string;
  /** Words of the scopes, for the consent page. @default those of the declaration, or those that are stored */
  readonly scopes?: Readonly<Record<string, ScopeWords>>;
  /** What a stack says about the server: the server must say the same. It then serves this one version and no other. */
  readonly declaration?: ServerDeclaration;
  /** Whether an outcome (`registered`, `unchanged`, `upstream_unavailable: …`) goes into record and log. @default every one */
  readonly isNews?: (outcome: string) => boolean;
  /** For the record. */
  readonly by?: {
    readonly subject: string;
    readonly tenant: string;
    readonly kind: string;
    readonly roles: readonly string[];
  };
};

/** A registered version. */
export interface Registration {
  readonly outcome: Published;
  readonly server: ServerEntry;
  readonly version: ServerVersion;
  /** What a person should look at, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Registers one version of a server. Reads top to bottom: nothing is stored that was not fetched from the server itself, checked, compared
 * and pinned. Throws Refusal `manifest_invalid`, `declaration_invalid`, `definition_changed`, `name_taken`, `address_not_allowed`, `upstream_*`,
 * `catalogue_unavailable`, and `audit_unavailable` when it cannot be recorded; registering again is then safe.
 */
export async function registerServer(request: RegistrationRequest, deps: RegistryDeps): Promise<Registration> {
  const url = manifestUrl(request);
  const { by, isNews, declaration } = request;
  return recorded({ by, isNews, url, server: declaration?.name }, deps, async (record) => {
    const document = await fetchManifest(url, deps);
    const manifest: CapabilityManifest = checkManifest(document, { url, owner: request.owner }, deps);
    record.manifest(manifest);
    if (declaration !== undefined) agreeWithDeclaration(manifest, declaration);
    const warnings = lintTools(manifest, await deps.store.read());
    record.warnings(warnings);
    compareTools(manifest, await deps.listTools(manifest.transport.url, manifest.auth.audience));
    const version = pinVersion(manifest);
    record.version(version);
    const { entry, outcome } = await publishVersion(manifest, version, request, deps);
    record.outcome(outcome);
    return { outcome, server: entry, version: versionOf(entry, version), warnings };
  });
}

/** As it is stored: one that was registered before keeps its status. */
function versionOf({ versions }: ServerEntry, registered: ServerVersion): ServerVersion {
  return versions.find(({ version }) => version === registered.version) ?? registered;
}
