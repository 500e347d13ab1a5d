import { startMinistack } from '../../support/ministack.ts';
import { kmsSignerContract } from './kms-signer-contract.ts';

kmsSignerContract('the emulator ministack', () => startMinistack('kms'), 200);
