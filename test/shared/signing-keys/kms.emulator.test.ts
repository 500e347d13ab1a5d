import { kmsContract } from '../../support/kms-contract.ts';
import { startMinistack } from '../../support/ministack.ts';

kmsContract('ministack', () => startMinistack('kms'));
