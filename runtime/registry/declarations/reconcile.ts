import type { Lease } from '../../shared/lease.ts';
import { toRefusal } from '../../shared/refusal.ts';
import type { RegistryDeps } from '../deps.ts';
import { recorded } from '../recorded.ts';
import { registerServer } from '../register-server.ts';
import { isInService, withdraw } from '../withdrawal.ts';
import { readDeclaration } from './read-declaration.ts';

/** What reconciliation may reach beside what registration may. */
export interface ReconcileDeps extends RegistryDeps {
  /** Every declaration as it is written, by the last part of its parameter's name. Rejects rather than leave one out. */
  readonly declarations: () => Promise<ReadonlyMap<string, string>>;
  readonly lease: Lease;
}

export interface ReconcileOptions {
  /** Where the declarations are, for the record. */
  readonly path: string;
  readonly toolDomain: string | undefined;
  /** A server that is well is asked again after this long, milliseconds. */
  readonly recheckMs: number;
  /** First wait after a failure; it doubles with each further one, up to `retryMaxMs`. Milliseconds. */
  readonly retryMs: number;
  /** @default 600000 */
  readonly retryMaxMs?: number;
  readonly onOutcome?: (outcome: string) => void;
}

/** What is remembered of one declaration between two passes. */
interface Look {
  readonly text: string;
  readonly dueAtMs: number;
  readonly failures: number;
  /** Why the server is not as declared, as it was recorded; undefined when it is. */
  readonly cause: string | undefined;
  /** True when the outcome could not be recorded: the next one is then recorded whatever it is. */
  readonly isUnrecorded: boolean;
}

export interface Reconciliation {
  /** One pass. Rejects when declarations or catalogue cannot be read; a server's own failure is its own. False: another replica does the work. */
  pass(): Promise<boolean>;
  /** Causes by server, of those that are not as declared. */
  causes(): ReadonlyMap<string, string>;
  /** How many declarations the last pass found. */
  declared(): number;
}

const lookedAtAtOnce = 8;
/** A parameter that a deployment replaces is away for a moment, and a list may lag behind. */
const missingPassesMin = 2;

/** Brings the catalogue to what is declared, pass by pass. */
export function createReconciliation(deps: ReconcileDeps, options: ReconcileOptions): Reconciliation {
  const { path, toolDomain, recheckMs, retryMs, retryMaxMs = 600_000, onOutcome = () => {} } = options;
  const looks = new Map<string, Look>();
  const missing = new Map<string, number>();
  let declaredCount = 0;

  async function pass(): Promise<boolean> {
    if (!(await deps.lease.hold())) {
      // What another replica finds meanwhile is not known here.
      looks.clear();
      missing.clear();
      return false;
    }
    const declared = await deps.declarations();
    declaredCount = declared.size;
    const nowMs = deps.now();
    const due = [...declared].filter(([name, text]) => {
      const look = looks.get(name);
      return look === undefined || look.text !== text || look.dueAtMs <= nowMs;
    });
    await inTurn(due, lookedAtAtOnce, async ([name, text]) => {
      if (await deps.lease.hold()) await look(name, text);
    });
    await withdrawGone(declared);
    return true;
  }

  async function look(name: string, text: string): Promise<void> {
    const before = looks.get(name);
    const isRecordedAnyway = before === undefined || before.isUnrecorded;
    const isNews = (outcome: string) => isRecordedAnyway || (outcome !== 'unchanged' && outcome !== before.cause);
    try {
      const { outcome } = await register(name, text, isNews);
      if (before?.cause !== undefined)
        deps.logger.info({ server: name, was: before.cause }, 'a server is as declared again');
      onOutcome(outcome);
      const dueAtMs = deps.now() + spread(recheckMs);
      looks.set(name, { text, dueAtMs, failures: 0, cause: undefined, isUnrecorded: false });
    } catch (error) {
      const refusal = toRefusal(error);
      onOutcome(refusal.code);
      const isUnrecorded = refusal.code === 'audit_unavailable';
      const failures = before?.text === text ? before.failures + 1 : 1;
      const dueAtMs = deps.now() + spread(Math.min(retryMaxMs, retryMs * 2 ** Math.min(failures - 1, 20)));
      const cause = isUnrecorded ? before?.cause : `${refusal.code}: ${refusal.message}`;
      looks.set(name, { text, dueAtMs, failures, cause, isUnrecorded });
      if (isUnrecorded) deps.logger.error({ server: name, err: error }, 'a registration could not be recorded');
    }
  }

  async function register(name: string, text: string, isNews: (outcome: string) => boolean) {
    const declaration = await recordRefusalOf(name, isNews, () => readDeclaration(name, text, toolDomain));
    return registerServer({ baseUrl: declaration.url, declaration, isNews }, deps);
  }

  /** A declaration that cannot be read is a registration that was refused. */
  async function recordRefusalOf<T>(name: string, isNews: (outcome: string) => boolean, read: () => T): Promise<T> {
    try {
      return read();
    } catch (error) {
      const about = { by: undefined, isNews, server: name, url: parameterOf(name) };
      return await recorded(about, deps, () => Promise.reject(error));
    }
  }

  async function withdrawGone(declared: ReadonlyMap<string, string>): Promise<void> {
    for (const name of [...looks.keys()]) if (!declared.has(name)) looks.delete(name);
    for (const name of [...missing.keys()]) if (declared.has(name)) missing.delete(name);
    const { servers } = await deps.store.read();
    for (const server of servers) {
      if (!server.declared || declared.has(server.name) || !server.versions.some(isInService)) continue;
      const passes = (missing.get(server.name) ?? 0) + 1;
      missing.set(server.name, passes);
      if (passes >= missingPassesMin && (await deps.lease.hold())) await withdrawServer(server.name);
    }
  }

  async function withdrawServer(name: string): Promise<void> {
    const about = { by: undefined, isNews: undefined, server: name, url: parameterOf(name) };
    await recorded(about, deps, async (record) => {
      await deps.store.change(name, (current) => {
        if (current === undefined) throw new Error(`the server ${name} was removed`);
        const versions = current.versions.map((each) => withdraw(each, 'Its declaration is gone.'));
        return { ...current, versions };
      });
      record.outcome('withdrawn');
    }).then(
      () => onOutcome('withdrawn'),
      // The next pass tries again; the others are not kept waiting for this one.
      (error: unknown) => onOutcome(toRefusal(error).code),
    );
  }

  function parameterOf(name: string): string {
    return `ssm:${path}/${name}`;
  }

  return {
    pass,
    causes: () => new Map([...looks].flatMap(([name, { cause }]) => (cause === undefined ? [] : [[name, cause]]))),
    declared: () => declaredCount,
  };
}

/** Up to a tenth more, so that what failed together is not asked again together. */
export function spread(ms: number): number {
  return ms * (1 + Math.random() / 10);
}

async function inTurn<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
