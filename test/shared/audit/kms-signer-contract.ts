import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { CreateKeyCommand, type KeySpec, KMSClient } from '@aws-sdk/client-kms';
import {
  isSignedBy,
  parseCheckpoint,
  readPublicKeys,
  signCheckpoint,
} from '../../../runtime/shared/audit/checkpoint.ts';
import { openKmsSigner } from '../../../runtime/shared/audit/kms-signer.ts';
import { verifyAuditDirectory } from '../../../runtime/shared/audit/verify-audit-directory.ts';
import { localAuditBucket, openBucketTestWriter } from '../../support/audit-bucket.ts';
import { auditEvent, testFolder } from '../../support/audit-events.ts';

interface RunningKms {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  close(): Promise<void>;
}

/** What the signer of checkpoints and a KMS do together. */
export function kmsSignerContract(name: string, start: () => Promise<RunningKms>, tenantsMax: number): void {
  suite(`checkpoints signed by the KMS of ${name}`, () => {
    let kms: RunningKms;
    let client: KMSClient;
    const newKey = async (KeySpec: KeySpec) =>
      (await client.send(new CreateKeyCommand({ KeySpec, KeyUsage: 'SIGN_VERIFY' }))).KeyMetadata?.KeyId ?? '';
    before(async () => {
      kms = await start();
      const { endpoint, region, credentials } = kms;
      client = new KMSClient({ endpoint, region, credentials, maxAttempts: 1 });
    });
    after(async () => {
      client?.destroy();
      await kms?.close();
    });

    test('are proven by its public key, whatever lengths r and s have', async () => {
      const signer = await openKmsSigner(client, await newKey('ECC_NIST_P256'));
      const key = readPublicKeys(JSON.stringify(signer.publicKey)).get(signer.kid);
      assert.ok(key);
      for (let n = 1; n <= 60; n += 1) {
        const tenants = n === 60 ? tenantsMax : 1;
        const head = { seq: n, hash: 'ab'.repeat(32) };
        const heads = Object.fromEntries(Array.from({ length: tenants }, (_, one) => [`tenant-${one}`, head]));
        const line = await signCheckpoint(
          { v: 1, writer: 'gw', n, prev: '0'.repeat(64), time: '2026-11-21T10:00:00.000Z', kind: 'full', heads },
          signer,
        );
        const unproven = parseCheckpoint(line);
        assert.ok(unproven && isSignedBy(unproven, key), `checkpoint ${n}`);
      }
    });

    test('and the record verifies with the key that the writer published', async (t) => {
      const bucket = await localAuditBucket(t);
      const folder = testFolder(t);
      const signer = await openKmsSigner(client, await newKey('ECC_NIST_P256'));
      const writer = await openBucketTestWriter(folder, bucket.objects, { signer });
      await writer.append(auditEvent());
      await writer.close();
      const result = await verifyAuditDirectory(await bucket.copy(join(folder, 'copy')));
      assert.deepEqual([result.isIntact, result.keys], [true, [signer.kid]]);
    });

    test('need a key on P-256 that exists; any other is one sentence', async () => {
      await assert.rejects(
        openKmsSigner(client, '00000000-0000-4000-8000-000000000000'),
        /^Error: The KMS key 0{8}-.* of the audit record cannot be read: NotFoundException/,
      );
      await assert.rejects(
        openKmsSigner(client, await newKey('ECC_NIST_P384')),
        /is ECC_NIST_P384 for SIGN_VERIFY: the audit record is signed with an ECC_NIST_P256 key for SIGN_VERIFY\.$/,
      );
    });
  });
}
