import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Refusal } from '../shared/refusal.ts';

/** Slack, "Verifying requests from Slack": older or younger than this is not believed. */
const ageMaxS = 5 * 60;

/**
 * Holds the bytes that came to Slack's signature, version v0, before anybody reads them. Returns the signature, which no other message has.
 * Throws Refusal `signature_invalid` or `signature_stale`; neither says what would have been right.
 */
export function verifySlackRequest(
  headers: IncomingHttpHeaders,
  body: Buffer,
  { signingSecret, nowMs }: { readonly signingSecret: string; readonly nowMs: number },
): string {
  const timestamp = headers['x-slack-request-timestamp'];
  const signature = headers['x-slack-signature'];
  if (typeof timestamp !== 'string' || !/^[1-9][0-9]{9}$/.test(timestamp)) throw invalid('no timestamp');
  if (typeof signature !== 'string' || !/^v0=[0-9a-f]{64}$/.test(signature)) throw invalid('no v0 signature');
  const expected = createHmac('sha256', signingSecret).update(`v0:${timestamp}:`).update(body).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature.slice(3), 'hex'))) throw invalid('another signature');
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > ageMaxS) throw new Refusal('signature_stale');
  return signature;
}

function invalid(privateDetail: string): Refusal {
  return new Refusal('signature_invalid', { privateDetail });
}
