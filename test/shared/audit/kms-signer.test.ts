import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { rawSignature } from '../../../runtime/shared/audit/kms-signer.ts';
import { startKmsDouble } from '../../support/kms-double.ts';
import { kmsSignerContract } from './kms-signer-contract.ts';

// The double signs no digests, so its checkpoints stay below 4,096 bytes; the emulator's do not.
kmsSignerContract('our double', startKmsDouble, 10);

test('a DER signature that is cut, longer, or of another curve is none', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = sign('sha256', Buffer.from('x'), privateKey);
  assert.equal(rawSignature(der).length, 64);
  const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const wrong = [
    Buffer.alloc(0),
    der.subarray(0, -1),
    Buffer.concat([der, Buffer.from([0])]),
    Buffer.concat([Buffer.from([0x31]), der.subarray(1)]),
    sign('sha256', Buffer.from('x'), other),
    Buffer.alloc(72, 1),
  ];
  for (const bytes of wrong) assert.throws(() => rawSignature(bytes), /not one of ECDSA on P-256/);
});
