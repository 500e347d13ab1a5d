import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuditRecord } from '../../runtime/contract/audit-event.ts';
import { driveSignIn } from '../../runtime/local/drive-sign-in.ts';
import { obtainToken, type SignInDrive } from '../../runtime/local/obtain-token.ts';
import { type Platform, type PlatformOptions, startPlatform } from '../../runtime/local/start-platform.ts';
import { createApprovalStore } from '../../runtime/shared/approval-store.ts';
import { findRecords } from '../../runtime/shared/audit/show-records.ts';
import { createDynamoClient } from '../../runtime/shared/dynamo.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { sampleBucket } from './what-clients-see.ts';

/** A platform that real clients talk to, wherever it runs. */
export interface PlatformUnderTest extends Pick<Platform, 'endpoint' | 'issuer' | 'servers' | 'close'> {
  /** `sub` of a user's tokens. */
  subjectOf(user: string): string;
  /** Takes a user through the pages. */
  readonly signIn: SignInDrive;
  /** The bucket with the sample objects. */
  readonly bucket: string;
  /** A token by the real flow. Without `scope`: every scope of the resource that changes nothing. */
  token(user: string, resource: string, scope?: string): Promise<string>;
  /** Records of calls to a tool, oldest first. */
  records(tool: string): Promise<readonly AuditRecord[]>;
  /** What `toolgate audit verify` says of the record. */
  verifyAudit(): Promise<{ readonly exitCode: number; readonly output: string }>;
}

/** One where people answer what clients ask. */
export interface ApprovalsUnderTest extends PlatformUnderTest {
  /** URL of the page where approvers answer. */
  readonly approvals: string;
  /** A call waits for people; where it does not, clients are told at once that somebody was asked. */
  readonly isHolding: boolean;
  /** Ends the time of an open question, as the service does that watches the clock. */
  expire(id: string): Promise<void>;
}

/** The whole platform as `npm start` starts it, on free ports and in a folder of its own. */
export type TestPlatform = Platform & ApprovalsUnderTest;

export async function startTestPlatform(options: Partial<PlatformOptions> = {}): Promise<TestPlatform> {
  const stateDir = await mkdtemp(join(tmpdir(), 'toolgate-platform-'));
  const remove = () => rm(stateDir, { recursive: true, force: true });
  let platform: Platform;
  try {
    platform = await startPlatform({ port: 0, stateDir, logger: silentLogger(), approvalHoldMs: 0, ...options });
  } catch (error) {
    await remove();
    throw error;
  }
  const { issuer, auditDirectory } = platform;
  return {
    ...platform,
    subjectOf: (user) => user,
    signIn: (url, redirectUrl, user) => driveSignIn(url, redirectUrl, { user }),
    bucket: sampleBucket,
    token: (user, resource, scope) => obtainToken({ issuer, user, resource, ...(scope !== undefined && { scope }) }),
    records: async (tool) => (await findRecords(auditDirectory, { tool, last: 1000 })).map(({ record }) => record),
    verifyAudit: () => runToolgate(['audit', 'verify', auditDirectory]),
    isHolding: (options.approvalHoldMs ?? 0) > 0,
    expire: (id) => {
      const { endpoint, prefix } = platform.tables;
      const credentials = { accessKeyId: 'embedded', secretAccessKey: 'embedded' };
      return expireQuestion(id, { region: 'us-east-1', endpoint, credentials }, prefix);
    },
    close: async () => {
      await platform.close();
      await remove();
    },
  };
}

/** Ends the time of a question in a table whose names begin with `tablePrefix`. */
export async function expireQuestion(
  id: string,
  connection: Parameters<typeof createDynamoClient>[0],
  tablePrefix: string,
): Promise<void> {
  const client = createDynamoClient(connection);
  const dayMs = 86_400_000;
  const closed = await createApprovalStore({ client, tablePrefix }).expire(id, Date.now() + dayMs + 1);
  client.destroy();
  if (closed?.request.state !== 'expired') throw new Error(`the question ${id} is ${closed?.request.state}`);
}

/** Runs the command line as a person does. */
export function runToolgate(args: readonly string[]): Promise<{ readonly exitCode: number; readonly output: string }> {
  const program = fileURLToPath(new URL('../../bin/toolgate.mjs', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    child.on('close', (code) => resolve({ exitCode: code ?? 1, output }));
  });
}
