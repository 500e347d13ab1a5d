import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isRecord } from '../contract/policy-values.ts';
import { blankEvent } from '../shared/audit/blank-event.ts';
import { unknownTenant } from '../shared/audit/limit-strangers.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import type { Logger } from '../shared/logger.ts';
import { JsonError, parseJson } from '../shared/parse-json.ts';
import { Refusal, reasonOf, toRefusal } from '../shared/refusal.ts';
import { refusalForms } from '../shared/refusal-forms.ts';
import type { Claim } from './clients/claims.ts';
import type { SlackEvents } from './clients/slack-events.ts';
import { verifySlackRequest } from './verify-slack-request.ts';

export interface ReceiveSlackDeps {
  readonly now: () => number;
  readonly logger: Logger;
  readonly audit: AuditWriter;
  readonly claim: Claim;
  readonly signingSecret: string;
  readonly events: Pick<SlackEvents, 'deliver'>;
}

/** A payload holds the whole message that was clicked, form-encoded. */
const bodyBytesMax = 256 * 1024;
const payloadLimits = { depthMax: 64, valuesMax: 20_000 };
/** Longer than a signature is believed. */
const replayKeptMs = 15 * 60_000;

/**
 * One POST of Slack: the bytes are held to their signature before anybody reads them, and acknowledged before anything is looked up. Resolves
 * with the status of the answer, whose body is empty. Every no is recorded before it is answered.
 */
export async function receiveSlackRequest(request: IncomingMessage, deps: ReceiveSlackDeps): Promise<number> {
  try {
    const body = await readBody(request);
    const signature = verifySlackRequest(request.headers, body, {
      signingSecret: deps.signingSecret,
      nowMs: deps.now(),
    });
    const payload = readPayload(request.headers['content-type'], body);
    const isOurs = await deps.events.deliver(payload, () => isFirst(signature, request, deps));
    if (!isOurs)
      deps.logger.info({ type: String(payload.type).slice(0, 40) }, 'Slack sent something that nobody here waits for');
    return 200;
  } catch (error) {
    return refuse(request, error, deps);
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Refusal('body_too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readPayload(contentType: string | undefined, body: Buffer): Readonly<Record<string, unknown>> {
  if (contentType?.split(';', 1)[0]?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw new Refusal('media_type_unsupported', { reason: 'Slack sends interactions as a form.' });
  }
  const [payload, ...others] = new URLSearchParams(body.toString('latin1')).getAll('payload');
  if (payload === undefined || others.length > 0) {
    throw new Refusal('message_invalid', { reason: 'The form has not exactly one payload.' });
  }
  try {
    const value = parseJson(Buffer.from(payload), payloadLimits);
    if (isRecord(value)) return value;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
  }
  throw new Refusal('message_invalid', { reason: 'The payload is no JSON object that every parser reads alike.' });
}

/** Of all replicas. When the store gives no answer the click goes on: its decision is one conditional write all the same. */
async function isFirst(signature: string, request: IncomingMessage, deps: ReceiveSlackDeps): Promise<boolean> {
  if (await deps.claim('slack-request', signature, replayKeptMs).catch(() => true)) return true;
  await refuse(request, new Refusal('message_replayed'), deps);
  return false;
}

async function refuse(request: IncomingMessage, error: unknown, deps: ReceiveSlackDeps): Promise<number> {
  const refusal = toRefusal(error);
  const { code, details } = refusal;
  const { status } = refusalForms[code];
  deps.logger.warn(
    { code, detail: details.privateDetail, ...(code === 'internal_error' && { err: error }) },
    'a message to the address for Slack was refused',
  );
  try {
    await deps.audit.append({
      ...blankEvent,
      event: 'http_refusal',
      time: new Date(deps.now()).toISOString(),
      tenant: unknownTenant,
      call_id: randomUUID(),
      client: { id: null, name: null, user_agent: request.headers['user-agent']?.slice(0, 256) ?? null },
      method: 'POST /slack/interactions',
      outcome: code === 'internal_error' ? 'failed' : 'refused',
      code,
      reason: reasonOf(refusal),
      http_status: status,
    });
    return status;
  } catch (cause) {
    deps.logger.error({ err: cause }, 'a refusal could not be recorded');
    return refusalForms.audit_unavailable.status;
  }
}
