import { auditPlaceProblem } from '../../shared/audit/audit-env.ts';
import { readEnv } from '../../shared/read-env.ts';
import { closeOnSignal, ownDeps } from '../start-tool-server.ts';
import { trustProblem } from '../tool-server-env.ts';
import { readServerEnv } from './env.ts';
import { startReadServer } from './start-read-server.ts';

const env = readEnv(readServerEnv, process.env, auditPlaceProblem, trustProblem);
const deps = await ownDeps(env, 'tools-read');
closeOnSignal(await startReadServer(env, deps), deps);
