import { inspectors } from '../support/approval-clients.ts';
import { startTestPlatform } from '../support/test-platform.ts';
import { approvalsSuite } from './approvals-suite.ts';

approvalsSuite('on a laptop, with the Inspector', () => startTestPlatform({ approvalHoldMs: 30_000 }), inspectors);
