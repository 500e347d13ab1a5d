import { kmsContract } from '../../support/kms-contract.ts';
import { startKmsDouble } from '../../support/kms-double.ts';

kmsContract('the tests', startKmsDouble);
