import type { AuditEvent, AuditOutcome } from '../contract/audit-event.ts';
import type { Caller } from '../contract/caller.ts';
import type { Allowed } from '../contract/decision.ts';
import type { Elevation, QuotaReceipt, ValidArguments } from '../contract/receipts.ts';
import type { ServerEntry, ServerVersion } from '../contract/registry.ts';
import type { McpMessage } from '../contract/tool-call.ts';
import { blankEvent } from '../shared/audit/blank-event.ts';
import { type Refusal, reasonOf, toRefusal } from '../shared/refusal.ts';
import type { DoorTool } from './catalogue-index.ts';
import type { UpstreamAnswer } from './clients/upstream.ts';
import { deprecationHeaders } from './deprecation-headers.ts';
import type { GatewayDeps } from './deps.ts';
import {
  appendDurably,
  approvalFields,
  argumentFields,
  clientName,
  outcomeOf,
  recordedCaller,
  recordedPolicy,
  redactionFields,
  responseFields,
  round,
  since,
} from './record-parts.ts';
import type { RecordedReply, SafeReply } from './safe-reply.ts';
import { chargeRefused } from './steps/spend-quota.ts';
import { statusOf } from './transport/wire-errors.ts';

/** The open record of one message. Each method notes what a step proved and how long it took, and hands it on. */
export interface AuditEntry {
  caller(caller: Caller): Caller;
  tool(tool: DoorTool): DoorTool;
  server<T extends { readonly server: ServerEntry | undefined; readonly version: ServerVersion | undefined }>(
    door: T,
  ): T;
  decision(allowed: Allowed): Allowed;
  quota(receipt: QuotaReceipt): QuotaReceipt;
  args(args: ValidArguments): ValidArguments;
  elevation(elevation: Elevation): Elevation;
  answer(answer: UpstreamAnswer): UpstreamAnswer;
  /** Waits for people; what that took is a step of its own, `wait`, within the one that asked them. */
  wait<T>(people: () => Promise<T>): Promise<T>;
  /** Makes the intent durable when `isNeeded`: what changes something is on record before it happens. */
  intent(isNeeded: boolean): Promise<void>;
}

/**
 * Runs `work` with an open record and writes exactly one `mcp_call` event on every outcome. Nothing is answered before that event
 * is durable: when it cannot be, the answer is Refusal `audit_unavailable`, whatever `work` came to.
 */
export async function audited(
  message: McpMessage,
  deps: GatewayDeps,
  work: (entry: AuditEntry) => Promise<SafeReply>,
): Promise<RecordedReply> {
  const entry = new OpenEntry(message, deps);
  deps.metrics.openMessages.inc();
  try {
    let reply: SafeReply;
    try {
      reply = await work(entry);
    } catch (error) {
      throw await entry.closeRefused(await entry.charge(toRefusal(error)));
    }
    return await entry.closeAnswered(reply);
  } finally {
    deps.metrics.openMessages.dec();
  }
}

/** What each step is followed by, so that the time of one that throws is its own. */
const following = {
  authenticate: 'resolve',
  resolve: 'authorize',
  authorize: 'spend',
  spend: 'validate',
  validate: 'elevate',
  elevate: 'intent',
  intent: 'forward',
  forward: 'redact',
  redact: 'redact',
} as const;

type Step = keyof typeof following;

class OpenEntry implements AuditEntry {
  #message: McpMessage;
  #deps: GatewayDeps;
  #startedAt: string;
  #started = performance.now();
  #since = this.#started;
  #step: Step = 'authenticate';
  #latency: Record<string, number> = {};
  #caller: Caller | undefined;
  #server: ServerEntry | undefined;
  #version: ServerVersion | undefined;
  #tool: DoorTool | undefined;
  #allowed: Allowed | undefined;
  #args: ValidArguments | undefined;
  #elevation: Elevation | undefined;
  #isCounted = false;

  constructor(message: McpMessage, deps: GatewayDeps) {
    this.#message = message;
    this.#deps = deps;
    this.#startedAt = new Date(deps.now()).toISOString();
  }

  caller(caller: Caller): Caller {
    this.#mark('authenticate');
    this.#caller = caller;
    return caller;
  }

  tool(tool: DoorTool): DoorTool {
    this.#mark('resolve');
    this.#tool = tool;
    this.#server = tool.server;
    this.#version = tool.version;
    return tool;
  }

  server<T extends { readonly server: ServerEntry | undefined; readonly version: ServerVersion | undefined }>(
    door: T,
  ): T {
    this.#mark('resolve');
    this.#server = door.server;
    this.#version = door.version;
    return door;
  }

  decision(allowed: Allowed): Allowed {
    this.#mark('authorize');
    this.#allowed = allowed;
    return allowed;
  }

  quota(receipt: QuotaReceipt): QuotaReceipt {
    this.#isCounted = true;
    this.#mark('spend');
    return receipt;
  }

  args(args: ValidArguments): ValidArguments {
    this.#mark('validate');
    this.#args = args;
    return args;
  }

  elevation(elevation: Elevation): Elevation {
    this.#mark('elevate');
    this.#elevation = elevation;
    return elevation;
  }

  answer(answer: UpstreamAnswer): UpstreamAnswer {
    this.#mark('forward');
    return answer;
  }

  async wait<T>(people: () => Promise<T>): Promise<T> {
    const from = performance.now();
    try {
      return await people();
    } finally {
      const waited = performance.now() - from;
      this.#latency.wait = round(waited);
      this.#since += waited;
    }
  }

  async intent(isNeeded: boolean): Promise<void> {
    if (isNeeded) {
      await appendDurably(
        {
          ...this.#event('pending'),
          event: 'mcp_call_intent',
          latency_ms: { ...this.#latency, total: since(this.#started) },
        },
        this.#deps,
      );
    }
    this.#mark('intent');
  }

  async closeAnswered(reply: SafeReply): Promise<RecordedReply> {
    this.#mark('redact');
    const text = JSON.stringify(reply.result);
    const isToolError = reply.kind === 'error' || reply.result.isError === true;
    await this.#close({
      ...this.#event(isToolError ? 'tool_error' : 'ok'),
      ...responseFields(reply.result, text, this.#deps.redactJson),
      http_status: reply.status,
      reason: reply.kind === 'error' ? 'The tool server answered with an error.' : null,
      redactions: redactionFields(reply.redactions),
    });
    return { kind: reply.kind, status: reply.status, text, headers: this.#headers() };
  }

  /** What was refused before it was counted costs as much as what was not. */
  async charge(refusal: Refusal): Promise<Refusal> {
    return this.#isCounted ? refusal : chargeRefused(refusal, this.#caller, this.#deps);
  }

  /** Records the no and returns the Refusal to answer with. */
  async closeRefused(refusal: Refusal): Promise<Refusal> {
    this.#mark(this.#step);
    const { policyReasons, approvalId } = refusal.details;
    const outcome = outcomeOf(refusal);
    await this.#close({
      ...this.#event(outcome),
      code: refusal.code,
      reason: reasonOf(refusal),
      http_status: outcome === 'cancelled' ? null : statusOf(refusal, this.#message.era === 'modern'),
      ...(approvalId !== undefined && { approval_id: approvalId }),
      ...(policyReasons !== undefined && this.#allowed === undefined && { policy: this.#denied(policyReasons) }),
    });
    return refusal;
  }

  /** Notes the time since the last mark under `step`. */
  #mark(step: Step): void {
    const now = performance.now();
    this.#latency[step] = round(now - this.#since);
    this.#since = now;
    this.#step = following[step];
  }

  async #close(event: AuditEvent): Promise<void> {
    const whole = { ...event, latency_ms: { ...this.#latency, total: since(this.#started) } };
    this.#deps.metrics.observe(whole);
    await appendDurably(whole, this.#deps);
  }

  #event(outcome: AuditOutcome): AuditEvent {
    const message = this.#message;
    const caller = this.#caller;
    return {
      ...blankEvent,
      event: 'mcp_call',
      time: this.#startedAt,
      tenant: caller?.tenant ?? '_unknown',
      call_id: message.callId,
      caller: caller === undefined ? null : recordedCaller(caller),
      client: {
        id: caller?.clientId ?? null,
        name: clientName(message.params),
        user_agent: message.userAgent?.slice(0, 256) ?? null,
      },
      method: message.method,
      server: this.#server?.name ?? null,
      tool: this.#tool?.entry.name ?? null,
      version: this.#version?.version ?? null,
      definition_hash: this.#tool?.entry.definitionHash ?? null,
      ...argumentFields(message, this.#args?.sha256, this.#deps.redactJson),
      outcome,
      policy: this.#allowed === undefined ? null : recordedPolicy(this.#allowed),
      ...approvalFields(this.#elevation),
      latency_ms: this.#latency,
      trace_id: message.trace.traceId,
    };
  }

  #denied(reasons: readonly string[]): AuditEvent['policy'] {
    return { revision: this.#deps.policy.revision() ?? '', reasons, obligations: [] };
  }

  #headers(): Readonly<Record<string, string>> {
    if (this.#server === undefined || this.#version === undefined) return noHeaders;
    return deprecationHeaders(this.#server, this.#version, this.#message.endpoint, this.#deps.now());
  }
}

const noHeaders: Readonly<Record<string, string>> = {};
