import type { ApprovalRequest } from '../contract/approval.ts';

type List = () => Promise<readonly ApprovalRequest[]>;

/** A short list is read anew each time. */
const alwaysReadMax = 200;

/**
 * `list`, read once for whoever asks at the same time, and kept for a millisecond for each request in it: reading 5,000 takes half a second of
 * CPU. Whatever is done about a request is conditional on what it is then.
 */
export function createListUnsettled(list: List, now: () => number): List {
  let last: readonly ApprovalRequest[] = [];
  let readAtMs = 0;
  let reading: Promise<readonly ApprovalRequest[]> | undefined;
  return async () => {
    const ageMs = now() - readAtMs;
    if (last.length > alwaysReadMax && ageMs >= 0 && ageMs < last.length) return last;
    reading ??= list().finally(() => {
      reading = undefined;
    });
    last = await reading;
    readAtMs = now();
    return last;
  };
}
