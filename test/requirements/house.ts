import type { RequirementRow } from '../requirements.ts';

/** The repository, the laptop, the authorization server, the tools, policy and the record. */
// biome-ignore format: a table has one row a line.
export const houseRows: readonly RequirementRow[] = [
  ['R-REPO-01', 'Node 24 is pinned through platform packages, every dependency to one version', 'package: Node.js 24 is pinned for every platform that developers use, in the manifest and in the lockfile', ': every dependency is pinned to one version, and the lockfile names no registry'],
  ['R-REPO-02', 'What is published is what users need, and runs', 'package: the tarball holds the command line, the policies and the schemas', ': the tarball holds no test, no state and no source that Node.js refuses to run from node_modules'],
  ['R-REPO-03', 'Imports keep to the floors; names say something', 'floors: nothing imports from a higher floor', ': services never import each other', ': no file or folder has a name that says nothing', ': a forbidden import would be seen'],
  ['R-REPO-04', 'Every refusal has its row on the wire and in the record, and its line in the docs', 'refusals: every refusal code has its row', 'gateway/wire-doc: docs/wire.md has each refusal with the status and code that it has'],
  ['R-REPO-05', 'Every requirement names tests that exist', 'requirements: every requirement is shown by tests that exist'],

  ['R-LOCAL-01', 'One table definition makes the tables; a table with other keys stops the start', 'local/dynamo: a table with other keys than its definition stops the start'],
  ['R-LOCAL-02', 'DynamoDB on a laptop keeps what the stores need, as another implementation does', 'shared/dynamo.emulator: what the stores promise holds on a second implementation of DynamoDB', 'local/dynamo: what is written to a state folder is there after a restart'],
  ['R-LOCAL-03', 'A real PostgreSQL, seeded with made-up customers, ends with its parent', 'local/postgres: is seeded with a few hundred made-up rows, the same every time', ': dies with its parent, and a start after kill -9 works'],
  ['R-LOCAL-04', 'The S3-compatible store of a laptop takes signed requests only, as S3 does', 'local/object-store: takes nobody who does not sign', ': takes no request that was changed after it was signed'],
  ['R-LOCAL-05', 'A taken port, a missing permission, a half-written state folder: one clear sentence', 'local/dynamo: a port that is taken is one sentence', 'local/state-folder: a folder whose first start was killed is called half-written, with what to do', ': a path through a file says so in one sentence', 'local/postgres: a half-written state folder is one clear sentence'],
  ['R-LOCAL-06', 'Real users sign in and call on the whole platform that npm start starts', 'end-to-end/sdk-clients: reads rows in which email, ssn and phone are masked', ': lists objects of the store'],
  ['R-LOCAL-07', 'Per call the terminal shows tool, version, decision and audit line', 'shared/audit/format-call: a call shows tool and version, caller, policy, outcome, and where it is recorded', ': a refusal shows its code and sentence; one before anybody was known shows that'],
  ['R-CMD-01', 'toolgate token prints a real token by the real flow, errors are one sentence with an exit code', 'authorization/token-command: the command prints one token and nothing else', ': what is wrong is one sentence on standard error, and the exit code says which kind', ': --help says how, on standard output'],
  ['R-CMD-02', 'toolgate audit verify has help, exit codes and one-sentence errors, from the tarball alone', 'bin/audit: --help says what each command does, with its exit codes', ': wrong usage and what cannot be read are one sentence and exit code 2', 'package: an auditor with nothing but the tarball can run the verifier'],
  ['R-CMD-03', 'policy:build explains itself and says what to do without Go', 'policies/build: the build command explains itself, refuses what it does not know, and says what to do without Go'],

  ['R-AUTH-01', 'PKCE with S256, for every client', 'authorization/sign-in: PKCE is required of every client, and S256 is the only method'],
  ['R-AUTH-02', 'RFC 8414 metadata at both well-known places', 'authorization/clients: the metadata says what MCP clients look for, at both well-known places'],
  ['R-AUTH-03', 'Client ID Metadata Documents', 'authorization/client-documents: a client whose id is the URL of its document needs no registration', ': a document is never fetched from where only this service could reach'],
  ['R-AUTH-04', 'Dynamic registration, bounded', 'authorization/clients: a client registers itself, and the table holds only the hash of its secret', ': one address registers so many clients a minute, counted across replicas'],
  ['R-AUTH-05', 'RFC 8707: a resource is one audience, per server', 'authorization/sign-in: a person gets a fifteen-minute RS256 token for one audience, and our verifier takes it there only', ': a resource that is no door of the gateway is invalid_target'],
  ['R-AUTH-06', 'RFC 9207: every answer names its issuer', 'authorization/sign-in: every authorization answer names its issuer, errors too (RFC 9207)'],
  ['R-AUTH-07', 'Client credentials for agents', 'authorization/agents: an agent gets a token with the tenant and roles of its registration, whatever it asks for'],
  ['R-AUTH-08', 'Refresh tokens rotate; a second use ends the family', 'authorization/sign-in: a refresh token works once, gives the same audience, and its second use ends the whole family'],
  ['R-AUTH-09', 'Signing keys rotate without a gap', 'authorization/key-rotation: a new key is published before it signs, the old one stays while its tokens live, and replicas agree'],
  ['R-AUTH-10', 'The consent page names client, server and scopes', 'authorization/pages: the consent page names person, client, server, and every scope in words, and marks what changes data', 'authorization/consent-page.browser: the pages work without scripts, and Deny goes back to the client with a no'],
  ['R-AUTH-11', 'Sample users of two tenants on a laptop, never in a deployed configuration', 'authorization/pages: the chooser lists the sample users of both tenants and says that they are samples', 'authorization/operation: sample users are refused for every issuer that others could reach'],
  ['R-AUTH-12', 'Its state is in DynamoDB and outlives a restart', 'authorization/operation: a restart keeps clients, refresh tokens, sessions and keys'],

  ['R-TOOL-01', 'postgres.readonly answers with typed columns and their origin, within row and byte caps', 'tools/read/postgres-readonly: answers with typed columns, rows and a text that says the same', ': stops at the row limit and says so', ': stops at the byte limit and says so', 'tools/read/column-origins: SELECT md5(ssn) FROM customers'],
  ['R-TOOL-02', 'It only reads: read-only role and transaction, statement timeout, cancellation', 'tools/read/sql-attacks: a role with more rights than it should have still only reads', 'tools/read/postgres-readonly: a slow statement ends at the timeout, whether it computes or waits between batches', ': a caller who leaves cancels the statement on the server'],
  ['R-TOOL-03', 's3.list lists page by page', 'tools/read/s3-list: gives every object once, page by page'],
  ['R-TOOL-04', 'Every server publishes its capabilities, and the schema of that is held', 'tools/serve-tools: serves a manifest that matches the published schema', 'tools/start-servers: publish manifests that match the schema', 'registry/steps/check-manifest: the published schema is a valid JSON Schema 2020-12, and describes every field it names'],
  ['R-TOOL-05', 'postgres.write is refused unless a person said yes', 'tools/start-servers: write only what a person approved', 'tools/direct-reach: for a destructive tool without a yes of a person: approval_required, recorded'],

  ['R-POL-01', 'policy.wasm is what the sources build, byte by byte, and hash-checked with Node alone', 'policies/build: the committed Wasm is the one that build.json describes', ': the committed Wasm was built from the policies as they are', 'policies/policies.opa: what is committed is what the sources build, byte by byte'],
  ['R-POL-02', 'Tests with at least 95 % coverage, format, strict check, Regal', 'policies/policies.opa: every test of the policies passes, and they cover at least 95 % of them', ': every policy is formatted as opa formats', ': every policy is strict and fits the schema of its input', ': Regal finds nothing in any policy or test of one'],
  ['R-POL-03', 'opa and the Wasm answer the same vectors the same', 'policies/policies.opa: opa itself and the Wasm answer every vector and 3,000 mutations of them the same', 'policies/vectors: there are vectors for each entrypoint, with distinct names'],
  ['R-POL-04', 'Undefined is a deny, whatever is missing', 'policies/properties: taking any field that decides out of any allowed call never leaves it allowed', ': input of any shape has one well-formed answer'],
  ['R-POL-05', 'A poisoned instance is replaced', 'shared/policy-client: an instance that aborted is replaced, two thousand times over'],
  ['R-POL-06', 'Banned builtins fail the build', 'policies/policies.opa: a policy that calls http.send does not build', ': a policy that calls sprintf does not build', 'policies/build: no policy may call what Wasm lacks or what npm replaces badly'],
  ['R-POL-07', 'Policy and tenant data reload without a restart; a bad bundle is refused and the last good one stays', 'shared/policy-bundle: new tenant data is followed without a restart, and the answer changes', ': a truncated policy.wasm is refused, and the last good bundle stays'],
  ['R-POL-08', 'Scopes, payload caps, quota and time-boxed elevation are rules', 'shared/policy-client: a call over the limit of its tenant is refused, and one that was not counted too', 'shared/policy-client: a call is decided with the revision of the bundle', 'gateway/steps/require-elevation: with its own grant goes through once, and policy has seen that grant'],
  ['R-POL-09', 'Every reason is explained', 'policies/build: every reason that a policy gives is explained in docs/policy.md'],

  ['R-RED-01', 'The mask plan follows the origin of a column, not its name', 'gateway/steps/redact: the mask plan follows the origin: an alias', ': the mask plan follows the origin: lower(email)', ': the mask plan follows the origin: a UNION, which has no single origin', 'tools/read/column-origins: SELECT row_to_json(c) FROM customers c'],
  ['R-RED-02', 'PII is redacted where policy asks, and always in the record', 'gateway/steps/redact: redact_pii reaches: a text block', 'attacks/what-is-recorded: neither the record nor any log line holds personal data, a secret or a token, whatever becomes of the call'],
  ['R-RED-03', 'An unknown obligation is a deny', 'gateway/steps/redact: an obligation that is not known is a no, before anything is sent'],
  ['R-RED-04', 'Never a protocol field', 'gateway/steps/redact: a protocol field keeps its value, whatever it looks like'],
  ['R-RED-05', 'Recall and precision are printed by a command and beat pattern-only Presidio', 'scripts/pii-score: the redactor holds its floors on the public corpus and beats pattern-only Presidio', ': the command prints figures, writes them as JSON, and says in one sentence what is wrong'],
  ['R-RED-06', 'Linear in size', 'shared/redactor/linear: a text of 1 MB is read in the same time per character'],

  ['R-AUD-01', 'One record an event, with every key of the published schema', 'shared/audit/record: a record has every key of the published schema, in its order', 'gateway/call-tool: a call travels the whole way and leaves one record'],
  ['R-AUD-02', 'Intent before forward for what changes something', 'refusals: what changes something is on record before it happens, and does not happen without'],
  ['R-AUD-03', 'No call is answered before its record is durable', 'refusals: a call that cannot be recorded is not answered, whatever it came to', 'shared/audit/writer: an append resolves only after its line is in the file'],
  ['R-AUD-04', 'verify finds an edit, a gap, a reorder and a cut tail', 'shared/audit/tampering: every single change to random records is found', 'bin/audit: verify names file and line of a change, with exit code 1'],
  ['R-AUD-05', 'Kill -9 under load: every answered call has its record, and the chain goes on', 'shared/audit/crash: kill -9 under load, again and again: every acknowledged call has its record once, and the chain goes on'],
];
