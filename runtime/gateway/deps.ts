import type { AuditRecord } from '../contract/audit-event.ts';
import type { CatalogueSnapshot } from '../contract/registry.ts';
import { gatewayActor, registryActor } from '../contract/upstream-issuers.ts';
import { createApprovalStore } from '../shared/approval-store.ts';
import { openAudit } from '../shared/audit/open-audit.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import { createCatalogueStore } from '../shared/catalogue-store.ts';
import { createSchemaCache, type SchemaCache } from '../shared/compile-schema.ts';
import { createDynamoClient } from '../shared/dynamo.ts';
import { createFailureLog, type FailureLog, type NotedFailure } from '../shared/failure-log.ts';
import { createGrantStore, type GrantStore } from '../shared/grant-store.ts';
import { createLogger, type Logger } from '../shared/logger.ts';
import type { PolicyClient } from '../shared/policy-client.ts';
import { openPolicy } from '../shared/policy-source/open-policy.ts';
import { type RedactJson, redactJson } from '../shared/redact-json.ts';
import { createMintUpstreamToken, type MintUpstreamToken } from '../shared/signing-keys/mint-upstream-token.ts';
import { openRegistryKeys, openSigningKeys } from '../shared/signing-keys/open-signing-keys.ts';
import { type PublicKeys, type SigningKeys, sharedSigningKeys } from '../shared/signing-keys/signing-keys.ts';
import { createStepFunctionsClient, createStepFunctionsStarter } from '../shared/step-functions.ts';
import { createStepUps, type StepUps } from '../shared/step-ups.ts';
import { createTokenVerifier, type TokenVerifier } from '../shared/token-verifier.ts';
import { watchCatalogue } from '../shared/watch-catalogue.ts';
import type { WorkflowStarter } from '../shared/workflow-tasks.ts';
import { type Approvals, openApprovals } from './approval/open-approvals.ts';
import { createStartWorkflow, type StartWorkflow, startsNoWorkflow } from './approval/start-workflow.ts';
import type { StepUpSettings } from './approval/step-up.ts';
import { createCallTimes } from './call-times.ts';
import { createQuotaCounter, type QuotaCounter } from './clients/quota-counter.ts';
import { createUpstreamClient, type UpstreamClient } from './clients/upstream.ts';
import type { GatewayEnv } from './env.ts';
import { createGatewayMetrics, type GatewayMetrics } from './gateway-metrics.ts';
import { createStrangerLog, type StrangerLog } from './stranger-log.ts';

/** Everything the gateway's steps may reach. A plain object of functions, made once. */
export interface GatewayDeps extends Approvals {
  readonly startWorkflow: StartWorkflow;
  readonly now: () => number;
  readonly logger: Logger;
  readonly verifier: TokenVerifier;
  /** The catalogue in memory; throws Refusal `catalogue_unavailable` before the first good read. */
  readonly catalogue: () => CatalogueSnapshot;
  /** Reads the catalogue now, for whoever has just changed it. Never rejects. */
  readonly refreshCatalogue?: () => Promise<unknown>;
  readonly policy: PolicyClient;
  readonly quota: QuotaCounter;
  readonly grants: GrantStore;
  readonly audit: AuditWriter;
  readonly redactJson: RedactJson;
  /** Key of pseudonyms, 32 bytes, the same for every replica. Without it each process makes its own. */
  readonly maskKey?: Uint8Array;
  readonly schemas: SchemaCache;
  readonly mint: MintUpstreamToken;
  readonly signingKeys: SigningKeys;
  /** What the registry's tokens verify with: published here, and good for nothing at the gateway. Undefined: no registry is known. */
  readonly registryKeys?: PublicKeys | undefined;
  readonly upstream: UpstreamClient;
  readonly metrics: GatewayMetrics;
  readonly failures: FailureLog;
  readonly strangers?: StrangerLog;
  /** What is wrong with parts that are there, one phrase each. */
  readonly problems?: () => readonly string[];
  /** Ends timers, pools and stores. The audit writer is closed last, after the last call was answered. */
  readonly close: () => Promise<void>;
}

/** What a host process may want beside the environment. */
export interface GatewayDepsOptions {
  /** Called with each durable record and its hash. */
  readonly onRecord?: (record: AuditRecord, hash: string) => void;
  /** Called with each failure that is logged. */
  readonly onFailure?: (failure: NotedFailure) => void;
  readonly logger?: Logger;
  /** Keys of a registry in the same process. @default those that its root key vouches for */
  readonly registryKeys?: PublicKeys;
  /** @default Step Functions, where the environment names a state machine */
  readonly workflow?: WorkflowStarter;
  /** False when the process serves more than this gateway and tells of itself elsewhere. @default true */
  readonly withProcessMetrics?: boolean;
}

/**
 * Makes everything once. Rejects with one sentence when the audit record or the policy folder cannot be used or a key is not one. A policy,
 * catalogue, KMS or table that is missing does not stop the boot: the gateway is not ready until they are there, and refuses calls.
 */
export async function createGatewayDeps(env: GatewayEnv, options: GatewayDepsOptions = {}): Promise<GatewayDeps> {
  const now = Date.now;
  const { logger = createLogger('gateway', env.LOG_LEVEL), onRecord, onFailure, withProcessMetrics = true } = options;
  const audit = await openAudit(env, { now, logger, ...(onRecord !== undefined && { onRecord }) });
  const client = createDynamoClient({
    region: env.AWS_REGION,
    ...(env.DYNAMODB_ENDPOINT !== '' && {
      endpoint: env.DYNAMODB_ENDPOINT,
      // An embedded DynamoDB asks for credentials and looks at none.
      credentials: { accessKeyId: 'embedded', secretAccessKey: 'embedded' },
    }),
  });
  const tablePrefix = env.TABLE_PREFIX;
  const actor = gatewayActor(env.TRUST_DOMAIN);
  const [signingKeys, { policy, source }] = await Promise.all([
    env.UPSTREAM_SIGNING_JWKS.length === 0
      ? openSigningKeys(env, { actor, writer: 'gateway', client, now, logger })
      : sharedSigningKeys(env.UPSTREAM_SIGNING_JWKS),
    openPolicy(env, { client, now, logger }),
  ]);
  const registryKeys =
    options.registryKeys ?? openRegistryKeys(env, { actor: registryActor(env.TRUST_DOMAIN), client, now, logger });
  const store = createCatalogueStore({ client, tablePrefix });
  const catalogue = watchCatalogue({
    store,
    now,
    logger,
    intervalMs: env.CATALOGUE_POLL_MS,
    ageMaxMs: env.CATALOGUE_AGE_MAX_S * 1000,
  });
  await catalogue.refresh();
  const stepFunctions = createStepFunctionsClient(env.AWS_REGION);
  const { APPROVAL_WORKFLOW_ARN: workflowArn } = env;
  const starter =
    options.workflow ?? (workflowArn === '' ? undefined : createStepFunctionsStarter(stepFunctions, workflowArn));
  const upstream = createUpstreamClient({
    connectionsMax: env.UPSTREAM_CONNECTIONS_MAX,
    connectTimeoutMs: env.UPSTREAM_CONNECT_TIMEOUT_MS,
    idleTimeoutMs: env.UPSTREAM_IDLE_TIMEOUT_MS,
  });
  const callTimes = createCallTimes({ logger });
  return {
    now,
    logger,
    verifier: createTokenVerifier({ issuers: [...env.ISSUERS, ...env.COGNITO_ISSUERS], now }),
    catalogue: catalogue.current,
    refreshCatalogue: catalogue.refresh,
    policy,
    quota: createQuotaCounter({ client, tablePrefix, now, deadlineMs: env.QUOTA_DEADLINE_MS }),
    grants: createGrantStore({ client, tablePrefix }),
    ...openApprovals({
      store: createApprovalStore({
        client,
        tablePrefix,
        waitMs: env.APPROVAL_WAIT_MS,
        questionsPerHourMax: env.QUESTIONS_PER_HOUR_MAX,
      }),
      now,
      signingKeys,
      publicUrl: env.PUBLIC_URL,
      pageUrl: `${env.APPROVALS_URL || env.PUBLIC_URL}/approvals`,
      holdMs: env.APPROVAL_HOLD_MS,
      stateKey: env.REQUEST_STATE_KEY,
      stepUp: stepUpOf(env, createStepUps({ client, tablePrefix })),
    }),
    startWorkflow: starter === undefined ? startsNoWorkflow : createStartWorkflow({ starter, tenant: policy.tenant }),
    audit,
    redactJson,
    ...(env.MASK_KEY !== undefined && { maskKey: env.MASK_KEY }),
    schemas: createSchemaCache(),
    signingKeys,
    registryKeys,
    mint: createMintUpstreamToken({
      now,
      keys: signingKeys,
      issuer: env.PUBLIC_URL,
      actor,
    }),
    upstream,
    metrics: createGatewayMetrics({ withProcess: withProcessMetrics, callTimes }),
    strangers: createStrangerLog({ logger, now }),
    failures: createFailureLog({ logger, now, ...(onFailure !== undefined && { onFailure }) }),
    problems: () => (audit.status().isWriting ? [] : ['the audit record cannot be written']),
    close: async () => {
      callTimes.close();
      catalogue.close();
      source?.close();
      policy.close();
      signingKeys.close();
      registryKeys?.close();
      await upstream.close();
      await audit.close();
      client.destroy();
      stepFunctions.destroy();
    },
  };
}

/** Ours is the first: clients go to the first of `authorization_servers` in the metadata of a door. */
function stepUpOf({ ISSUERS }: GatewayEnv, { note }: StepUps): StepUpSettings | undefined {
  const [ours] = ISSUERS;
  return ours && { issuer: ours.issuer, note };
}
