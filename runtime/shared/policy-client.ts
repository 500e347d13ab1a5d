import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Decision, PolicyInput, TenantSettings } from '../contract/decision.ts';
import { BundleFault } from '../contract/policy-data.ts';
import { type Logger, silentLogger } from './logger.ts';
import { onlyResult, parseDecision, parseVerdict, parseVisible, type Verdict } from './policy-answer.ts';
import { bundleFiles, entrypoints, type PolicyBundle, readPolicyBundle } from './policy-bundle.ts';
import { askCanaries } from './policy-canaries.ts';
import {
  type CompiledWasm,
  compileWasm,
  createPolicyEvaluator,
  type Instantiate,
  instantiateOpa,
  type PolicyEvaluator,
} from './policy-evaluator.ts';
import { type ApproverInput, type QuotaInput, toRegoAnswer, toRegoQuota, type VisibleInput } from './policy-inputs.ts';
import { Refusal } from './refusal.ts';

export type { Verdict } from './policy-answer.ts';

/**
 * Rego inside the process. Synchronous: an evaluation takes tens of microseconds. Every method throws Refusal
 * `policy_unavailable` when there is no verified bundle or the evaluation gave anything but one well-formed answer, and
 * `json_unsafe` or `json_too_complex` for an input that has no safe JSON text.
 */
export interface PolicyClient {
  /** Throws Refusal `obligation_unknown`, too, for a yes that demands what this gateway does not know. */
  decide(input: PolicyInput): Decision;
  /** Names of the tools that the caller may call, as far as that is known without arguments. */
  visible(input: VisibleInput): ReadonlySet<string>;
  quota(input: QuotaInput): Verdict;
  /** The tenant's settings in the current bundle; undefined for an unknown tenant. */
  tenant(name: string): TenantSettings | undefined;
  /** The most bytes that the data of the current bundle allow for a message, of a tool where one is named; undefined before the first good one. */
  requestBytesMax(tenant: string, tool: string | undefined): number | undefined;
  /** Revision of the bundle in force; undefined before the first good one. */
  revision(): string | undefined;
  close(): void;
}

/** What approvals ask policy. Throws as {@link PolicyClient} does. */
export interface ApproverPolicy extends Pick<PolicyClient, 'tenant' | 'revision'> {
  /** May this person answer this question, be it with a yes or a no? */
  mayAnswer(input: ApproverInput): Verdict;
}

/** How the bundle stands, for readiness and metrics. */
export interface PolicyStatus {
  /** Revision in force; undefined: every decision is refused. */
  readonly revision: string | undefined;
  /** When the one in force came into force, milliseconds since the epoch. */
  readonly loadedAtMs: number | undefined;
  /** Why the folder as it is now was refused; undefined when it is in force. */
  readonly fault: string | undefined;
  readonly faultAtMs: number | undefined;
}

/** A policy client whose bundle can be asked about and read again. */
export interface BundlePolicyClient extends PolicyClient, ApproverPolicy {
  status(): PolicyStatus;
  /** Reads the folder now. Never throws: a bad bundle is in the status, and the last good one stays. */
  reload(): Promise<PolicyStatus>;
}

export interface PolicyClientOptions {
  /** A bundle folder, see {@link bundleFiles}. It may be bad or absent; decisions are refused until it is good. */
  readonly folder: string;
  readonly logger?: Logger;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** How often the folder is looked at; 0: only when `reload` is called. @default 1000 */
  readonly pollMs?: number;
  /** For tests: another engine than opa-wasm. */
  readonly instantiate?: Instantiate;
}

interface Loaded {
  readonly bundle: PolicyBundle;
  readonly module: CompiledWasm;
  readonly evaluator: PolicyEvaluator;
  readonly decisionOf: (resultSet: unknown) => Decision;
  readonly verdictOf: (resultSet: unknown) => Verdict;
}

/** Opens a bundle folder and follows its changes until `close`. Never throws for a bad bundle. */
export async function createPolicyClient(options: PolicyClientOptions): Promise<BundlePolicyClient> {
  const { folder, logger = silentLogger(), now = Date.now, pollMs = 1000, instantiate = instantiateOpa } = options;
  let loaded: Loaded | undefined;
  let status: PolicyStatus = { revision: undefined, loadedAtMs: undefined, fault: undefined, faultAtMs: undefined };
  let seen: string | undefined;
  let reading: Promise<PolicyStatus> | undefined;
  let isClosed = false;

  async function read(): Promise<PolicyStatus> {
    // Before the reading: a change in between is then seen as one by the next look.
    seen = await fingerprint(folder);
    try {
      const next = await load(folder, loaded, instantiate);
      if (next.bundle.revision !== loaded?.bundle.revision) {
        logger.info({ revision: next.bundle.revision, previous: loaded?.bundle.revision }, 'policy bundle in force');
        status = { ...status, revision: next.bundle.revision, loadedAtMs: now() };
      }
      loaded = next;
      status = { ...status, fault: undefined, faultAtMs: undefined };
    } catch (error) {
      const fault = faultOf(error);
      logger.error({ fault, revision: status.revision, err: error }, 'policy bundle refused, the last good one stays');
      status = { ...status, fault, faultAtMs: now() };
    }
    return status;
  }

  async function reload(): Promise<PolicyStatus> {
    // One after the other: an older reading never wins over a newer one.
    while (reading !== undefined) await reading;
    reading = read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  async function look(): Promise<void> {
    if (reading === undefined && (await fingerprint(folder)) !== seen) await reload();
    if (!isClosed) timer = setTimeout(look, pollMs).unref();
  }

  let timer: NodeJS.Timeout | undefined;
  await reload();
  if (pollMs > 0) timer = setTimeout(look, pollMs).unref();

  const current = (): Loaded => {
    if (loaded === undefined)
      throw new Refusal('policy_unavailable', { privateDetail: status.fault ?? 'no bundle yet' });
    return loaded;
  };

  return {
    decide(input) {
      const { evaluator, decisionOf } = current();
      return decisionOf(evaluator.evaluate(input, 'mcp/authz/decision'));
    },
    visible(input) {
      return parseVisible(onlyResult(current().evaluator.evaluate(input, 'mcp/authz/visible')), input.tools);
    },
    quota(input) {
      const { evaluator, verdictOf } = current();
      return verdictOf(evaluator.evaluate(toRegoQuota(input), 'mcp/quota/decision'));
    },
    mayAnswer(input) {
      const { evaluator, verdictOf } = current();
      return verdictOf(evaluator.evaluate(toRegoAnswer(input), 'mcp/approval/decision'));
    },
    tenant: (name) => loaded?.bundle.tenants.get(name),
    requestBytesMax(tenant, tool = '') {
      const own = loaded?.bundle.tenants.get(tenant)?.request_bytes_max;
      const max =
        own !== undefined && Object.hasOwn(own, tool) ? own[tool] : loaded?.bundle.data.base.request_bytes_max;
      return typeof max === 'number' ? max : undefined;
    },
    revision: () => loaded?.bundle.revision,
    status: () => status,
    reload,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** A bundle whose canaries have sung. The same Wasm is compiled once. */
async function load(folder: string, previous: Loaded | undefined, instantiate: Instantiate): Promise<Loaded> {
  const bundle = await readPolicyBundle(folder);
  const isSameWasm = previous?.bundle.wasmSha256 === bundle.wasmSha256;
  const module = isSameWasm ? previous.module : await compile(bundle.wasm);
  let evaluator: PolicyEvaluator;
  try {
    evaluator = createPolicyEvaluator(module, bundle.data, instantiate);
  } catch (cause) {
    throw new BundleFault('policy.wasm cannot be started', { cause });
  }
  const missing = entrypoints.find((entrypoint) => !evaluator.entrypoints.includes(entrypoint));
  if (missing !== undefined) throw new BundleFault(`policy.wasm has no entrypoint ${missing}`);
  askCanaries(evaluator, bundle.canaries);
  const { revision } = bundle;
  return {
    bundle,
    module,
    evaluator,
    decisionOf: readOnce((resultSet) => parseDecision(onlyResult(resultSet), revision)),
    verdictOf: readOnce((resultSet) => parseVerdict(onlyResult(resultSet), revision)),
  };
}

/** The evaluator hands out one frozen object for equal answers, so each is checked once. A refused one is checked anew. */
function readOnce<T extends object>(parse: (resultSet: unknown) => T): (resultSet: unknown) => T {
  const known = new WeakMap<object, T>();
  return (resultSet) => {
    if (typeof resultSet !== 'object' || resultSet === null || !Object.isFrozen(resultSet)) return parse(resultSet);
    let parsed = known.get(resultSet);
    if (parsed === undefined) {
      parsed = Object.freeze(parse(resultSet));
      known.set(resultSet, parsed);
    }
    return parsed;
  };
}

async function compile(wasm: Uint8Array<ArrayBuffer>): Promise<CompiledWasm> {
  try {
    return await compileWasm(wasm);
  } catch (cause) {
    throw new BundleFault('policy.wasm is not WebAssembly', { cause });
  }
}

/** Changes whenever a file of the folder does. Sizes and times only, so looking costs nothing. */
async function fingerprint(folder: string): Promise<string> {
  const marks = await Promise.all(
    bundleFiles.map(async (name) => {
      try {
        const { ino, size, mtimeNs } = await stat(join(folder, name), { bigint: true });
        return `${ino}:${size}:${mtimeNs}`;
      } catch {
        return 'unreadable';
      }
    }),
  );
  return marks.join(' ');
}

function faultOf(error: unknown): string {
  if (error instanceof BundleFault) return error.message;
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return `${path?.split(/[\\/]/).at(-1) ?? 'a file'} is missing`;
  return `the bundle cannot be read${code === undefined ? '' : ` (${code})`}`;
}
