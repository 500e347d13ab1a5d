import type { Logger } from '../../shared/logger.ts';
import { type Reconciliation, spread } from './reconcile.ts';

export interface FollowOptions {
  /** Between two passes, milliseconds; up to a tenth is added. 0: only when `pass` is called. */
  readonly pollMs: number;
  readonly logger: Logger;
  /** Why no pass can be made yet, in a phrase. @default nothing is waited for */
  readonly waitsFor?: () => string | undefined;
}

export interface DeclarationFollower {
  /** A pass now, after the one under way. Never rejects: what went wrong is in `problem` and the log. */
  pass(): Promise<void>;
  /** Why the last pass could not be made, in a phrase; also before the first one is through. */
  problem(): string | undefined;
  /** Undefined before the first pass; true when this replica did the last one, false when another one does them. */
  isLeading(): boolean | undefined;
  /** Ends the passes; resolves when the one under way is through. */
  close(): Promise<void>;
}

/** What could not be made is tried again soon. */
const soonMs = 5000;

/** Keeps the catalogue as declared until `close`. What cannot be read changes nothing: no answer is no withdrawal. */
export function followDeclarations(reconciliation: Reconciliation, options: FollowOptions): DeclarationFollower {
  const { pollMs, logger, waitsFor = () => undefined } = options;
  let problem: string | undefined = 'the declarations were not read yet';
  let told: string | undefined;
  let leading: boolean | undefined;
  let isClosed = false;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function runPass(): Promise<void> {
    if (isClosed) return;
    const wait = waitsFor();
    if (wait !== undefined) {
      problem = wait;
      return;
    }
    try {
      const isLeading = await reconciliation.pass();
      if (isLeading !== leading) logger.info({ isLeading }, 'who keeps the catalogue');
      leading = isLeading;
      if (told !== undefined) logger.info('declarations and catalogue can be read again');
      told = undefined;
      problem = undefined;
    } catch (error) {
      const cause = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      // Once a cause, however often it is met.
      if (cause !== told) logger.error({ err: error }, 'declarations or catalogue cannot be read');
      told = cause;
      problem = 'declarations or catalogue cannot be read';
    }
  }

  function pass(): Promise<void> {
    running = running.then(runPass);
    return running;
  }

  function schedule(): void {
    if (isClosed || pollMs === 0) return;
    const nextMs = problem === undefined ? pollMs : Math.min(pollMs, soonMs);
    timer = setTimeout(() => void pass().then(schedule), spread(nextMs)).unref();
  }
  if (pollMs > 0) void pass().then(schedule);

  return {
    pass,
    problem: () => problem,
    isLeading: () => leading,
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
