import type { PolicyPointer } from '../../contract/policy-bundle-file.ts';
import type { Logger } from '../logger.ts';
import type { AcceptedPolicy } from './accepted-policy.ts';
import type { BundlePlace } from './place-bundle.ts';
import { orFault, PolicyFault } from './policy-fault.ts';
import { readBundleFile } from './read-bundle-file.ts';
import { readPointer } from './read-pointer.ts';

export interface PolicyFollowerOptions {
  /** The text of the SSM parameter. */
  readonly readParameter: () => Promise<string>;
  /** The bytes of an object; rejects for one that is larger than a bundle may be. */
  readonly download: (bucket: string, key: string) => Promise<Uint8Array>;
  readonly accepted: AcceptedPolicy;
  readonly place: BundlePlace;
  readonly logger: Logger;
  /** Called when another bundle is in place. */
  readonly onPlaced: () => Promise<unknown>;
  /** Up to a tenth is added, so that replicas do not ask together. 0: only when `look` is called. */
  readonly pollMs: number;
}

/** Brings the policy that a parameter names into the folder that the gateway watches. */
export interface PolicyFollower {
  /** Looks now. Never rejects: what is wrong is logged, once a cause, and the last good policy stays. */
  look(): Promise<void>;
  /** Version in force; undefined before the first good one. */
  version(): number | undefined;
  /** Why the policy that the parameter names is not in force; undefined when it is. */
  fault(): string | undefined;
  close(): void;
}

export function followPolicy(options: PolicyFollowerOptions): PolicyFollower {
  const { readParameter, download, accepted, place, logger, onPlaced, pollMs } = options;
  let inForce: PolicyPointer | undefined;
  let fault: string | undefined;
  const told = new Set<string>();
  let looking: Promise<void> | undefined;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  /** A step may rely on what the steps above it proved. */
  async function take(pointer: PolicyPointer): Promise<void> {
    const floor = await orFault('the accepted policy cannot be read', accepted.read);
    checkVersion(pointer, inForce);
    checkVersion(pointer, floor);
    const name = await fetchAndStage(pointer);
    // The gateways that come later start from here, so nothing is accepted that did not decide the canaries.
    const isAccepted = await orFault('the policy cannot be accepted', () => accepted.accept(pointer));
    if (!isAccepted) throw new PolicyFault(`a version above ${pointer.version} was accepted meanwhile`);
    await putInForce(pointer, name);
  }

  async function fetchAndStage({ version, bucket, key, sha256 }: PolicyPointer): Promise<string> {
    const bytes = await orFault('the bundle file cannot be read', () => download(bucket, key));
    const name = `${version}-${sha256.slice(0, 12)}`;
    await orFault('the bundle cannot be unpacked', () => place.stage(name, readBundleFile(bytes, sha256)));
    return name;
  }

  async function putInForce(pointer: PolicyPointer, name: string): Promise<void> {
    await orFault('the bundle cannot be put in place', () => place.putInForce(name));
    logger.info({ version: pointer.version, previous: inForce?.version }, 'policy version in force');
    inForce = pointer;
    await onPlaced();
  }

  /** A replica that starts while the parameter is wrong decides as the others do. */
  async function fallBack(): Promise<void> {
    const last = await orFault('the accepted policy cannot be read', accepted.read);
    if (last === undefined) return;
    await putInForce(last, await fetchAndStage(last));
  }

  async function work(): Promise<void> {
    try {
      const pointer = readPointer(await orFault('the policy parameter cannot be read', readParameter));
      if (!isSame(pointer, inForce)) await take(pointer);
      if (fault !== undefined) logger.info({ version: inForce?.version }, 'the policy parameter is followed again');
      fault = undefined;
      told.clear();
    } catch (error) {
      fault = tell(error);
      if (inForce === undefined) await fallBack().catch(tell);
    }
  }

  /** Once a cause, until the parameter is followed again. */
  function tell(error: unknown): string {
    const said = error instanceof Error ? error.message : String(error);
    if (!told.has(said)) {
      const { version } = inForce ?? {};
      logger.error({ fault: said, version, err: (error as Error).cause }, 'policy refused, the last good one stays');
      told.add(said);
    }
    return said;
  }

  function look(): Promise<void> {
    looking ??= work().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  const poll = async () => {
    await look();
    wait();
  };
  const wait = () => {
    if (!isClosed && pollMs > 0) timer = setTimeout(poll, pollMs * (1 + Math.random() / 10)).unref();
  };
  wait();

  return {
    look,
    version: () => inForce?.version,
    fault: () => fault,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** Versions do not fall, and a version is one bundle for ever. */
function checkVersion(offered: PolicyPointer, before: PolicyPointer | undefined): void {
  if (before === undefined) return;
  if (offered.version < before.version) {
    throw new PolicyFault(
      `version ${offered.version} is older than ${before.version}, which was accepted: for older rules deploy them under a higher version`,
    );
  }
  if (offered.version === before.version && offered.sha256 !== before.sha256) {
    throw new PolicyFault(
      `version ${offered.version} was accepted with another bundle: give every change a version of its own`,
    );
  }
}

function isSame(pointer: PolicyPointer, other: PolicyPointer | undefined): boolean {
  return pointer.version === other?.version && pointer.sha256 === other.sha256;
}
