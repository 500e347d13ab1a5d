/** Why a policy that was offered is not taken, in one sentence that may be logged. */
export class PolicyFault extends Error {}

/** Runs `work`; what it fails with becomes a fault with this sentence, unless it is one already. */
export async function orFault<T>(sentence: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof PolicyFault) throw cause;
    throw new PolicyFault(`${sentence} (${cause instanceof Error ? cause.name : typeof cause})`, { cause });
  }
}
