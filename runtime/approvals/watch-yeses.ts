import type { ApprovalRequest } from '../contract/approval.ts';
import type { Logger } from '../shared/logger.ts';
import { isLeft } from './messages/grant-use.ts';
import type { ShowOutcomeDeps } from './show-outcome.ts';

export interface WatchYesesDeps extends Pick<ShowOutcomeDeps, 'useOf' | 'now'> {
  readonly logger: Logger;
  /** Shows everybody what became of a yes. */
  readonly show: (request: ApprovalRequest) => Promise<void>;
}

/** Yeses whose cards say that they can be used and taken back, until neither is true any more. */
export interface WatchYeses {
  watch(request: ApprovalRequest): void;
  /** One look at all of them. Never rejects. */
  look(): Promise<void>;
}

/** Of those that are beyond it the cards stay as they are; what they say of the time is still true. */
const watchedMax = 1000;

/** Kept in this process: of one that ends, the cards of its last quarter of an hour say until when the yes was good, and their button answers that it is over. */
export function createWatchYeses({ useOf, now, show, logger }: WatchYesesDeps): WatchYeses {
  const watched = new Map<string, ApprovalRequest>();

  async function lookAt(request: ApprovalRequest): Promise<void> {
    const use = await useOf(request);
    if (use === undefined || isLeft(use, now())) return;
    watched.delete(request.id);
    // Whoever takes a yes back shows it.
    if (use.takenBack?.by === undefined) await show(request);
  }

  return {
    watch(request) {
      if (request.state === 'approved' && watched.size < watchedMax) watched.set(request.id, request);
    },
    async look() {
      for (const request of [...watched.values()]) {
        await lookAt(request).catch((error: unknown) =>
          logger.warn({ err: error, approval: request.id }, 'the card of a yes that ended could not be changed'),
        );
      }
    },
  };
}
