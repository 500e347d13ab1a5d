import { setTimeout as delay } from 'node:timers/promises';

const waitMs = 120_000;

/** What is there once it is there. Throws with `detail` when it does not come. */
export async function until<T>(
  look: () => T | Promise<T>,
  what: string,
  detail: () => string = () => '',
): Promise<NonNullable<T>> {
  for (const deadline = performance.now() + waitMs; performance.now() < deadline; await delay(100)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`waited in vain for ${what}: ${detail()}`);
}
