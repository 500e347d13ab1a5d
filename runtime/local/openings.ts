/** What was opened so far, to be closed in the opposite order, each once. */
export interface Openings {
  add(close: () => Promise<void> | void): void;
  /** Closes everything; one that fails does not keep the others open. Rejects with the failures at the end. */
  closeAll(): Promise<void>;
}

export function createOpenings(): Openings {
  const closers: (() => Promise<void> | void)[] = [];
  return {
    add: (close) => closers.push(close),
    async closeAll() {
      const failures: unknown[] = [];
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
        try {
          await close();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, 'not everything could be closed');
    },
  };
}
