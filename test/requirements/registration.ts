import type { RequirementRow } from '../requirements.ts';

/** Registration by declaration, scopes at run time, declared agents, and what happens when a part of that is gone. */
// biome-ignore format: a table has one row a line.
export const registrationRows: readonly RequirementRow[] = [
  ['R-REG-01', 'What a stack declares is registered, kept, withdrawn and brought back without an operator', 'registry/declarations/reconcile: is registered with the words of its scopes and the service level that its stack names', ': is asked at once when its declaration changes, its revision alone too', ': is withdrawn once its declaration is gone for two passes, and active again when it is back', ': serves one version: what it served before is withdrawn, and is back after a rollback'],
  ['R-REG-02', 'A server is registered only when it says what its stack declares', 'registry/declarations/reconcile: is refused: another mark, other scopes, a tool more, all told at once', ': is refused: it says that it is another server'],
  ['R-REG-03', 'A broken declaration or server affects only itself, and is told once a cause', 'registry/declarations/reconcile: harms nobody else, is told once a cause, and asked less and less often', ': keeps what was registered: neither garbage nor silence takes a good version away'],
  ['R-REG-04', 'Replicas do not fight', 'registry/declarations/reconcile: one keeps the catalogue, and the other takes over when it falls silent or lets go', ': both may work at once by mistake, and the catalogue is right all the same'],
  ['R-REG-05', 'The registry boots on its environment, becomes ready, and hands over on SIGTERM', 'registry/main: the process registers what is declared in SSM, withdraws it, and hands over on SIGTERM with nothing left', ': an environment that is not complete, or unsafe, is told at once'],
  ['R-REG-06', 'A new server has its resource, scopes and words without a restart', 'authorization/scope-catalogue: a server that registers has its resource, scopes and words without a restart', ': no server can soften what another says of the same scope'],
  ['R-REG-07', 'Agents are declared with public keys; nothing secret is shared', 'authorization/declared-agents: a declared agent gets tokens by its key, with the tenant, roles and scopes of its declaration', ': a changed key is in force at the next reading, and an agent that is declared no more gets nothing', ': a declaration that is refused says why, and shows no key'],
  ['R-REG-08', "The gateway's manifest has what its reader may call", 'gateway/discovery: has for a caller with a token exactly the tools that it may call, as the manifest of a server has them', ': names the scopes of the servers to anybody, and no tool'],
  ['R-REG-09', 'The double of SSM keeps what an emulator keeps', 'shared/parameters: an SSM that refuses, breaks or never ends its list is an error, never half a list'],
  ['R-REG-10', 'The registry asks servers with a key that the root key vouches for', 'registry/main: a real tool server tells its tools to the registry alone, by a key that the root key vouches for'],

  ['F-SSM-01', 'SSM gone for the registry: nothing is withdrawn', 'registry/declarations/reconcile: declarations that cannot be read withdraw nothing', 'registry/main: without SSM it lives, says so, and keeps what there is; back, it goes on'],
  ['F-SSM-02', 'SSM gone for the authorization server: agents for a while, then nobody of them', 'authorization/declared-agents: without SSM the last reading serves for a while; then agents are told to try again, and nobody else notices'],
  ['F-REG-01', 'DynamoDB or the record gone for the registry', 'registry/declarations/reconcile: a catalogue that cannot be read ends the pass, and nothing is remembered as done', ': a registration that cannot be recorded is recorded when the record is back'],
  ['F-REG-02', 'No key that may sign: no server is asked', 'registry/declarations/follow-declarations: no server is asked before there is a key to ask with'],
  ['F-REG-03', 'The catalogue gone for the authorization server, at the start or under way', 'authorization/scope-catalogue: without a catalogue at the start it is not ready and gives no token; with one, both, without a restart', ': a catalogue that is gone serves for a while, then nobody gets a token; back, they do'],
];
