import { rmSync } from 'node:fs';
import { type SampleUser, sampleUsers } from '../authorization/sample-users.ts';
import type { AuditRecord } from '../contract/audit-event.ts';
import type { NotedFailure } from '../shared/failure-log.ts';
import type { Logger } from '../shared/logger.ts';
import { ownSigningKeys } from '../shared/signing-keys/signing-keys.ts';
import { askSlack } from './ask-slack.ts';
import { findPorts } from './find-ports.ts';
import { openApprovals } from './open-approvals.ts';
import {
  openAuthorization,
  openGateway,
  openPolicy,
  openTables,
  registerToolServers,
  tablePrefix,
} from './open-services.ts';
import { type LocalToolServer, openToolServers } from './open-tool-servers.ts';
import { openWorkflow } from './open-workflow.ts';
import { createOpenings } from './openings.ts';
import { writePlatformFile } from './platform-file.ts';
import type { SlackSettings } from './slack-settings.ts';
import { StartError } from './start-error.ts';
import { takeStateFolder } from './state-folder.ts';

export interface PlatformOptions {
  /** Port of the gateway; the authorization server and the approvals page take the next two. 0: any free ones. */
  readonly port: number;
  readonly stateDir: string;
  readonly logger: Logger;
  /** Gives up a start that has not finished. */
  readonly signal?: AbortSignal;
  /** Short lines for a person who waits. */
  readonly onProgress?: (line: string) => void;
  /** Called with the record of each call and its hash, once it is durable. */
  readonly onCall?: (record: AuditRecord, hash: string) => void;
  /** Called with why messages fail on our side, rate-limited. */
  readonly onFailure?: (failure: NotedFailure) => void;
  /** A workspace of Slack for the cards of approvals. @default the channel of this machine */
  readonly slack?: SlackSettings;
  /** Longest wait of one call for a person, milliseconds. @default that of the gateway */
  readonly approvalHoldMs?: number;
  /** Tool servers beside the sample ones. */
  readonly extraServers?: readonly LocalToolServer[];
  /** Tenant data in the place of the sample tenants. */
  readonly tenantsFile?: string;
}

/** A platform that answers. */
export interface Platform {
  /** URL of the MCP door to all servers. */
  readonly endpoint: string;
  readonly issuer: string;
  /** Page where people say yes or no. */
  readonly approvals: string;
  /** Where the cards of approvals are: a page of this machine, or somebody's own Slack. */
  readonly cards: { readonly channel: string } | { readonly workspace: string };
  /** MCP doors by server name. */
  readonly servers: Readonly<Record<string, string>>;
  readonly users: readonly Pick<SampleUser, 'name' | 'tenant' | 'role'>[];
  readonly auditDirectory: string;
  /** The embedded tables, for services beside it. */
  readonly tables: { readonly endpoint: string; readonly prefix: string };
  /** Ends calls, flushes the record, stops every part, last one first. */
  close(): Promise<void>;
}

/** Where the parts of one platform find each other. */
export interface Place {
  readonly gatewayUrl: string;
  readonly issuer: string;
  readonly approvalsUrl: string;
  readonly trustDomain: string;
  readonly auditDirectory: string;
}

/**
 * Starts every service in this process on embedded parts, PostgreSQL as its child. Throws {@link StartError} with one sentence for what a
 * person can mend; whatever had started is stopped then.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { stateDir, logger, signal, onProgress = () => {} } = options;
  const openings = createOpenings();
  const step = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    signal?.throwIfAborted();
    const started = performance.now();
    const result = await work();
    onProgress(`${what.padEnd(28)} ${((performance.now() - started) / 1000).toFixed(1)} s`);
    return result;
  };
  try {
    const { slack } = options;
    const workspace = slack && (await step('Slack', () => askSlack(slack)));
    const ports = await findPorts(options.port);
    const state = takeStateFolder(stateDir);
    openings.add(() => state.release());
    const place: Place = {
      gatewayUrl: `http://localhost:${ports.gateway}`,
      issuer: `http://localhost:${ports.issuer}`,
      approvalsUrl: `http://localhost:${ports.approvals}`,
      trustDomain: 'toolgate.local',
      auditDirectory: state.inside('audit'),
    };
    const dynamo = await step('DynamoDB tables', () => openTables(state, openings));
    await step('Policy bundle', () => openPolicy(state, options.tenantsFile));
    const servers = await openToolServers({ place, state, logger, step, extra: options.extraServers ?? [] }, openings);
    const authorization = await step('Authorization server', () =>
      openAuthorization({ place, port: ports.issuer, dynamo, logger }, openings),
    );
    const workflow = openWorkflow({ dynamo, tablePrefix }, openings);
    const registryKeys = ownSigningKeys(Date.now);
    const gateway = await step('Gateway', () =>
      openGateway(
        {
          ...{ place, port: ports.gateway, dynamo, state, logger, workflow, registryKeys },
          ...{ approvalHoldMs: options.approvalHoldMs, onCall: options.onCall, onFailure: options.onFailure },
        },
        openings,
      ),
    );
    await step('Approvals page', () =>
      openApprovals({ place, port: ports.approvals, dynamo, state, logger, gateway, workflow, slack }, openings),
    );
    await step('Servers registered', () =>
      registerToolServers({ place, servers, gateway, registryKeys, authorization, dynamo, logger }),
    );
    signal?.throwIfAborted();
    const platform: Platform = {
      endpoint: `${place.gatewayUrl}/mcp`,
      issuer: place.issuer,
      approvals: `${place.approvalsUrl}/approvals`,
      cards: workspace ? { workspace: workspace.team } : { channel: `${place.approvalsUrl}/approvals/channel` },
      servers: Object.fromEntries(servers.map(({ name }) => [name, `${place.gatewayUrl}/servers/${name}/mcp`])),
      users: sampleUsers.map(({ name, tenant, role }) => ({ name, tenant, role })),
      auditDirectory: place.auditDirectory,
      tables: { endpoint: dynamo.endpoint, prefix: tablePrefix },
      close: () => openings.closeAll(),
    };
    const file = state.inside('platform.json');
    openings.add(() => rmSync(file, { force: true }));
    writePlatformFile(file, platform);
    state.markComplete();
    return platform;
  } catch (error) {
    await openings.closeAll().catch((cause: unknown) => logger.error({ err: cause }, 'not everything could be closed'));
    throw error instanceof StartError || signal?.aborted === true ? error : asStartError(error);
  }
}

/** Services say what is wrong in one sentence; a bug keeps its stack as the cause. */
function asStartError(cause: unknown): StartError {
  return new StartError(`Toolgate could not start: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });
}
