import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { authorizationEnv } from '../authorization/env.ts';
import { type AuthorizationServer, startAuthorizationServer } from '../authorization/start-authorization-server.ts';
import type { AuditRecord } from '../contract/audit-event.ts';
import { tables } from '../contract/tables.ts';
import { startGateway } from '../gateway/app.ts';
import { createGatewayDeps, type GatewayDeps } from '../gateway/deps.ts';
import { gatewayEnv } from '../gateway/env.ts';
import { createRegistryDeps } from '../registry/deps.ts';
import { createMintRegistryToken } from '../registry/mint-registry-token.ts';
import { registerServer } from '../registry/register-server.ts';
import { diskReason } from '../shared/audit/audit-files.ts';
import type { NotedFailure } from '../shared/failure-log.ts';
import type { Logger } from '../shared/logger.ts';
import { assemblePolicyBundle } from '../shared/policy-bundle.ts';
import { readEnv } from '../shared/read-env.ts';
import { Refusal } from '../shared/refusal.ts';
import type { SigningKeys } from '../shared/signing-keys/signing-keys.ts';
import { createTables, type LocalDynamo, startDynamo } from './dynamo.ts';
import type { RunningToolServer } from './open-tool-servers.ts';
import { resumeWorkflows } from './open-workflow.ts';
import type { Openings } from './openings.ts';
import type { WorkflowRunner } from './run-workflow.ts';
import { StartError } from './start-error.ts';
import type { Place } from './start-platform.ts';
import type { StateFolder } from './state-folder.ts';

export const tablePrefix = 'toolgate-';
const policiesFolder = fileURLToPath(new URL('../../policies', import.meta.url));

export async function openTables(state: StateFolder, openings: Openings): Promise<LocalDynamo> {
  const dynamo = await startDynamo({ stateDir: state.inside('dynamodb') });
  openings.add(() => dynamo.close());
  const client = dynamo.createClient();
  try {
    await createTables(client, tablePrefix, tables);
  } catch (cause) {
    if (!(cause instanceof StartError)) throw cause;
    throw new StartError(
      `${cause.message} Delete the folder ${state.inside()} to start anew, its record included, or choose another with --state DIR.`,
      { cause },
    );
  } finally {
    client.destroy();
  }
  return dynamo;
}

/** The policies are those of this version; tenant data that a person changed in the state folder stays. */
export async function openPolicy(state: StateFolder, tenantsFile: string | undefined): Promise<void> {
  const own = state.inside('policy', 'tenants.json');
  const tenants = tenantsFile ?? (existsSync(own) ? own : undefined);
  const folder = state.inside('policy');
  try {
    await assemblePolicyBundle(policiesFolder, folder, tenants === undefined ? {} : { tenantsFile: tenants });
  } catch (cause) {
    const { code, path = folder } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw new StartError(`The policy bundle cannot be written in ${folder}: ${path}: ${diskReason(cause)}.`, { cause });
  }
}

export async function openAuthorization(
  parts: {
    readonly place: Place;
    readonly port: number;
    readonly dynamo: LocalDynamo;
    readonly logger: Logger;
  },
  openings: Openings,
): Promise<AuthorizationServer> {
  const { place, port, dynamo, logger } = parts;
  const env = readEnv(authorizationEnv, {
    AUTHORIZATION_ISSUER: place.issuer,
    AUTHORIZATION_PORT: String(port),
    GATEWAY_URL: place.gatewayUrl,
    APPROVALS_URL: place.approvalsUrl,
    TABLE_PREFIX: tablePrefix,
    TOOLGATE_SAMPLE_USERS: 'on',
    TOOLGATE_LOOPBACK_DOCUMENTS: 'on',
  });
  const dynamodb = dynamo.createClient();
  openings.add(() => dynamodb.destroy());
  const server = await startAuthorizationServer(env, { dynamodb, logger });
  openings.add(() => server.close(1000));
  return server;
}

export async function openGateway(
  parts: {
    readonly place: Place;
    readonly port: number;
    readonly dynamo: LocalDynamo;
    readonly state: StateFolder;
    readonly logger: Logger;
    readonly workflow: WorkflowRunner;
    readonly registryKeys: SigningKeys;
    readonly approvalHoldMs: number | undefined;
    readonly onCall: ((record: AuditRecord, hash: string) => void) | undefined;
    readonly onFailure: ((failure: NotedFailure) => void) | undefined;
  },
  openings: Openings,
): Promise<GatewayDeps> {
  const { place, port, dynamo, state, logger, workflow, registryKeys, approvalHoldMs, onCall, onFailure } = parts;
  const env = readEnv(gatewayEnv, {
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: place.gatewayUrl,
    TRUST_DOMAIN: place.trustDomain,
    APPROVALS_URL: place.approvalsUrl,
    ALLOWED_HOSTS: `127.0.0.1:${port}`,
    ISSUERS: `${place.issuer}=${place.issuer}/jwks`,
    POLICY_DIR: state.inside('policy'),
    AUDIT_DIR: place.auditDirectory,
    TABLE_PREFIX: tablePrefix,
    DYNAMODB_ENDPOINT: dynamo.endpoint,
    DRAIN_TIMEOUT_MS: '2000',
    ...(approvalHoldMs !== undefined && { APPROVAL_HOLD_MS: String(approvalHoldMs) }),
    // dynalite shares this process's event loop, so a busy moment is no silence.
    QUOTA_DEADLINE_MS: '2000',
  });
  const deps = await createGatewayDeps(env, {
    logger,
    ...(onCall !== undefined && { onRecord: onCall }),
    ...(onFailure !== undefined && { onFailure }),
    workflow,
    registryKeys,
  });
  openings.add(() => deps.close());
  await resumeWorkflows({ dynamo, tablePrefix }, deps);
  const gateway = await startGateway(env, deps);
  openings.add(() => gateway.close());
  return deps;
}

/** Registers what runs, as an operator would. A server that may not be registered stops the start. */
export async function registerToolServers(parts: {
  readonly place: Place;
  readonly servers: readonly RunningToolServer[];
  readonly gateway: GatewayDeps;
  readonly registryKeys: SigningKeys;
  readonly authorization: AuthorizationServer;
  readonly dynamo: LocalDynamo;
  readonly logger: Logger;
}): Promise<void> {
  const { place, servers, gateway, registryKeys: keys, authorization, dynamo, logger } = parts;
  const client = dynamo.createClient();
  const deps = createRegistryDeps({
    client,
    tablePrefix,
    logger,
    audit: gateway.audit,
    allowLoopback: true,
    reservedOrigins: [place.gatewayUrl, place.issuer],
    mintToken: createMintRegistryToken({ ...place, now: Date.now, keys }),
  });
  try {
    for (const { name, url, scopes } of servers) {
      await registerServer({ baseUrl: url, scopes }, deps).catch(sayWhy(name));
    }
  } finally {
    client.destroy();
  }
  // Both follow the catalogue once a second; a platform that says it answers has followed it already.
  await gateway.refreshCatalogue?.();
  await authorization.refreshCatalogue();
}

function sayWhy(name: string): (cause: unknown) => never {
  return (cause) => {
    if (!(cause instanceof Refusal)) throw cause;
    throw new StartError(`The server "${name}" cannot be registered: ${cause.message}`, { cause });
  };
}
