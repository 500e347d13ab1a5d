import { startTestPlatform } from '../support/test-platform.ts';
import { sdkClientsSuite } from './sdk-clients-suite.ts';

sdkClientsSuite('on a laptop', () => startTestPlatform());
