/**
 * Waits for `work`, but no longer than `ms`; it goes on after that. For what somebody who answered need not wait for: Slack takes a message a second, and
 * may hold all of them for a minute. Rejects with what `work` rejects with in time.
 */
export async function patiently(work: Promise<unknown>, ms = 5000): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
