import { randomBytes } from 'node:crypto';
import { createRequestStateCodec, type RequestStateCodec } from '@modelcontextprotocol/server';

/** What the fixture remembers between the rounds of one call, sealed, in the client's hands (MCP basic/patterns/mrtr). */
export interface RoundState {
  readonly tool: string;
  readonly round: number;
}

export type SealState = RequestStateCodec<RoundState>;

/** A sealer with a key of its own: state lives as long as the fixture. */
export function createSeal(): SealState {
  return createRequestStateCodec<RoundState>({ key: randomBytes(32), ttlSeconds: 120 });
}
