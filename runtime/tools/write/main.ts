import { auditPlaceProblem } from '../../shared/audit/audit-env.ts';
import { readEnv } from '../../shared/read-env.ts';
import { closeOnSignal, ownDeps } from '../start-tool-server.ts';
import { trustProblem } from '../tool-server-env.ts';
import { writeServerEnv } from './env.ts';
import { startWriteServer } from './start-write-server.ts';

const env = readEnv(writeServerEnv, process.env, auditPlaceProblem, trustProblem);
const deps = await ownDeps(env, 'tools-write');
closeOnSignal(await startWriteServer(env, deps), deps);
