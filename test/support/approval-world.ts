import type { TestContext } from 'node:test';
import type { ApprovalScope } from '../../runtime/contract/approval.ts';
import type { AuditEvent } from '../../runtime/contract/audit-event.ts';
import type { TenantSettings } from '../../runtime/contract/decision.ts';
import { openApprovals } from '../../runtime/gateway/approval/open-approvals.ts';
import { type ApprovalStore, createApprovalStore } from '../../runtime/shared/approval-store.ts';
import { createGrantStore, type RevocableGrantStore } from '../../runtime/shared/grant-store.ts';
import { ownSigningKeys, type SigningKeys } from '../../runtime/shared/signing-keys/signing-keys.ts';
import { createStepUps, type StepUps } from '../../runtime/shared/step-ups.ts';
import { sampleServer, sampleTool, sampleVersion } from './catalogue.ts';
import { type Answer, type GatewayWorld, publicUrl, type SendOptions, startGatewayWorld } from './gateway-world.ts';
import { openTestDynamo, type TestDynamo, tablePrefix } from './local-dynamo.ts';

/** A gateway whose questions and yeses are in a real store, and people who answer as the approvals service does: through that store. */
export interface ApprovalWorld extends GatewayWorld {
  readonly store: ApprovalStore;
  readonly grants: RevocableGrantStore;
  readonly stepUps: StepUps;
  readonly signingKeys: SigningKeys;
  /** Moves the gateway's clock. */
  advance(ms: number): void;
  now(): number;
  /** Sends a call of `echo.change`. */
  change(options?: ChangeOptions): Promise<Answer>;
  approve(id: string, approver?: string, scope?: ApprovalScope): Promise<void>;
  deny(id: string, reason: string): Promise<void>;
  /** Times that a request was read, by the watch or a retry. */
  looks(): number;
  /** Outcome, code and approval of the last `count` records. */
  gists(count: number): readonly string[];
}

export interface ChangeOptions extends Omit<SendOptions, 'params'> {
  readonly tool?: string;
  readonly arguments?: Record<string, unknown>;
  readonly requestState?: string;
  readonly inputResponses?: Record<string, unknown>;
  readonly capabilities?: Record<string, unknown>;
  readonly progressToken?: string | number;
}

export interface ApprovalWorldOptions {
  readonly holdMs?: number;
  readonly pollMs?: number;
  readonly waitMs?: number;
  /** @default as many as one likes */
  readonly questionsPerHourMax?: number;
  readonly stateKey?: Uint8Array;
  /** Sends people of tenant acme with tokens of this issuer to it. @default nobody */
  readonly stepUpIssuer?: string;
  /** What one yes may be for in either tenant, by tool. @default one call */
  readonly windows?: TenantSettings['windows'];
  /** Bytes of one message that policy lets through. @default that of `base.json` */
  readonly requestBytesMax?: number;
  /** @default a new one */
  readonly dynamo?: TestDynamo;
}

/** Long: what is tested is not waiting. */
const deadlineMs = 30_000;
const tools = ['echo.change', 'echo.drop', 'echo.say'];

export async function openApprovalWorld(t: TestContext, options: ApprovalWorldOptions = {}): Promise<ApprovalWorld> {
  const { client } = options.dynamo ?? (await openTestDynamo(t));
  const { holdMs = 0, pollMs = 10, waitMs, questionsPerHourMax, stateKey, stepUpIssuer: issuer } = options;
  let aheadMs = 0;
  let looks = 0;
  const now = () => Date.now() + aheadMs;
  const store = createApprovalStore({
    client,
    tablePrefix,
    deadlineMs,
    ...(waitMs !== undefined && { waitMs }),
    ...(questionsPerHourMax !== undefined && { questionsPerHourMax }),
  });
  const grants = createGrantStore({ client, tablePrefix, deadlineMs });
  const stepUps = createStepUps({ client, tablePrefix, deadlineMs: 30_000 });
  const { windows, requestBytesMax: bytes } = options;
  const more = {
    ...(windows !== undefined && { windows }),
    ...(bytes !== undefined && { request_bytes_max: Object.fromEntries(tools.map((name) => [name, bytes])) }),
  };
  const stepUp = issuer === undefined ? undefined : { issuer, note: stepUps.note };
  const signingKeys = ownSigningKeys(now, 86_400_000);
  const watched: ApprovalStore = {
    ...store,
    find: (id, nowMs) => {
      looks += 1;
      return store.find(id, nowMs);
    },
    listClosed: (requests, nowMs) => {
      looks += 1;
      return store.listClosed(requests, nowMs);
    },
  };
  const world = await startGatewayWorld({
    ...(issuer !== undefined && { settings: { issuers: [issuer] } }),
    servers: (url) => [
      sampleServer('alpha', [
        sampleVersion(
          url,
          tools.map((name) => sampleTool({ name, destructive: name !== 'echo.say', description: `Does ${name}.` })),
        ),
      ]),
    ],
    tenants: {
      acme: { tools_by_role: { reader: tools }, ...more, ...(issuer !== undefined && { step_up_servers: ['alpha'] }) },
      globex: { tools_by_role: { reader: tools }, ...more },
    },
    deps: {
      now,
      grants,
      signingKeys,
      ...openApprovals({ store: watched, now, signingKeys, publicUrl, holdMs, pollMs, stateKey, stepUp }),
    },
  });
  t.after(() => world.close());
  return Object.assign(world, {
    store,
    grants,
    stepUps,
    signingKeys,
    now,
    advance: (ms: number) => {
      aheadMs += ms;
    },
    change: (sending: ChangeOptions = {}) => world.send(toSend(sending)),
    approve: async (id: string, approver = 'grace', scope?: ApprovalScope) => {
      await store.decide(id, { verdict: 'approve', approver, reason: undefined, via: 'page', scope }, now());
    },
    deny: async (id: string, reason: string) => {
      await store.decide(id, { verdict: 'deny', approver: 'grace', reason, via: 'page' }, now());
    },
    looks: () => looks,
    gists: (count: number) =>
      world.audit.events
        .filter(({ event }) => event !== 'approval_requested')
        .slice(-count)
        .map(gist),
  });
}

export const changeArguments = { text: 'delete order 1' };

function toSend(sending: ChangeOptions): SendOptions {
  const { tool = 'echo.change', requestState, inputResponses, capabilities = {}, progressToken, ...rest } = sending;
  const isLegacy = rest.era === 'legacy';
  return {
    ...rest,
    params: {
      name: tool,
      arguments: sending.arguments ?? changeArguments,
      ...(requestState !== undefined && { requestState }),
      ...(inputResponses !== undefined && { inputResponses }),
      ...(!isLegacy && {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': capabilities,
          'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
          ...(progressToken !== undefined && { progressToken }),
        },
      }),
    },
  };
}

function gist({ event, tool, outcome, code, approval_id }: AuditEvent): string {
  return [event, tool ?? '-', outcome, code ?? '-', approval_id === null ? 'unasked' : 'asked'].join(' ');
}

/** Id of the approval that an answer names. */
export function approvalOf({ json, text }: Answer): string {
  const told = json?.result?._meta?.['dev.toolgate/error'] ?? json?.error?.data;
  const id = told?.approval?.id;
  if (typeof id !== 'string') throw new Error(`no approval is named: ${text}`);
  return id;
}

/** The state that an answer gives to its client. */
export function stateOf({ json, text }: Answer): string {
  const state = json?.result?.requestState;
  if (typeof state !== 'string') throw new Error(`no state came: ${text}`);
  return state;
}
