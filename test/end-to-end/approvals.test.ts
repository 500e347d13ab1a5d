import { startTestPlatform } from '../support/test-platform.ts';
import { approvalsSuite } from './approvals-suite.ts';

approvalsSuite('on a laptop', () => startTestPlatform({ approvalHoldMs: 30_000 }));
