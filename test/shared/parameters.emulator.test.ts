import { startMinistack } from '../support/ministack.ts';
import { ssmContract } from '../support/ssm-contract.ts';

ssmContract('ministack', startMinistack);
