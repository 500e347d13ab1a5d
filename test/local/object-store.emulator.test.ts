import { startMinistack } from '../support/ministack.ts';
import { objectStoreContract } from './object-store-contract.ts';

objectStoreContract('the emulator ministack', startMinistack);
