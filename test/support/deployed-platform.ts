import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { AuditRecord } from '../../runtime/contract/audit-event.ts';
import { obtainToken, obtainTokens } from '../../runtime/local/obtain-token.ts';
import { startPostgres } from '../../runtime/local/postgres.ts';
import { findRecords } from '../../runtime/shared/audit/show-records.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { askEmulator } from './ask-emulator.ts';
import { type AwsCallRecorder, startAwsCallRecorder } from './aws-call-recorder.ts';
import { resolvePolicies, type TemplatePolicy } from './emulated-assembly.ts';
import { type EmulatedPool, emailOf, openEmulatedPool, poolPassword } from './emulated-pool.ts';
import { freePort } from './free-port.ts';
import type { AwsCall } from './iam-policy.ts';
import { type BalancerListener, type LoadBalancer, startLoadBalancer } from './load-balancer.ts';
import type { Ministack } from './ministack.ts';
import { signInAtPool } from './pool-sign-in.ts';
import { actionOf, type DeployedService, readListeners, readOutputs, readServices } from './read-deployment.ts';
import { selfSigned } from './self-signed.ts';
import { type ApprovalsUnderTest, expireQuestion, runToolgate } from './test-platform.ts';
import { objects } from './what-clients-see.ts';

/** A deployed platform whose services run here, with the environment of their task definitions. */
export interface DeployedPlatform extends ApprovalsUnderTest {
  readonly services: readonly RunningService[];
  /** Downloads the record as `aws s3 sync` does; the folder. */
  syncAudit(): Promise<string>;
  /** A refresh token of a client that asked to stay connected. */
  refreshToken(user: string, resource: string): Promise<{ readonly refresh_token: string; readonly clientId: string }>;
  /** Refusals that a service recorded, by the beginning of its writer's name. */
  refusals(writer: string): Promise<readonly AuditRecord[]>;
  /** Sends SIGTERM to every service; rejects when one does not end by itself with exit code 0. */
  stopServices(): Promise<void>;
  close(): Promise<void>;
}

/** One service with what it asked of AWS. */
export interface RunningService extends DeployedService {
  readonly name: string;
  readonly calls: readonly AwsCall[];
  /** Everything that it logged. */
  readonly output: () => string;
}

export interface DeployedPlatformOptions {
  readonly emulator: Ministack;
  readonly account: string;
  /** The cloud assembly that was deployed: its assets are the images. */
  readonly assembly: string;
  /** Of its templates, as they were before they were resolved. */
  readonly policies: readonly TemplatePolicy[];
  readonly domainName: string;
  readonly toolDomain: string;
  /** Base URL of the methods of a double of Slack. */
  readonly slackApiUrl: string;
}

const approver = { email: emailOf('ada'), tenant: 'acme' };
const images = ['gateway', 'authorization', 'approvals', 'registry', 'read', 'write'] as const;

/** Starts every deployed service as a process, behind HAProxy with the deployed rules, and waits until all tools are registered. */
export async function startDeployedPlatform(options: DeployedPlatformOptions): Promise<DeployedPlatform> {
  const { emulator, account, assembly, domainName, toolDomain, slackApiUrl } = options;
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-deployed-'));
  const closings: (() => Promise<unknown>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const closing of closings.splice(0).reverse()) await closing();
  };
  try {
    const gatewayHost = `mcp.${domainName}`;
    const issuerHost = `id.${domainName}`;
    const poolHost = `cognito-idp.${emulator.region}.amazonaws.com`;
    const certificate = selfSigned([gatewayHost, issuerHost, poolHost]);
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, certificate.cert);

    const postgres = await startPostgres({ stateDir: join(folder, 'postgres'), logger: silentLogger() });
    closings.push(() => postgres.close().then(() => rmSync(postgres.home, { recursive: true, force: true })));
    await fillSecrets(emulator, {
      reader: postgres.connectionString('reader'),
      writer: postgres.connectionString('writer'),
    });
    const policies = resolvePolicies(options.policies, await readOutputs(emulator));
    const deployed = await readServices(emulator, policies);
    const poolIssuer =
      deployed.map(({ environment }) => environment.UPSTREAM_OIDC_ISSUER).find((issuer) => issuer) ?? '';
    const pool = await openEmulatedPool(emulator, poolIssuer, certificate);
    closings.push(() => pool.close());

    const listeners = await readListeners(emulator);
    const ports = new Map<string, number>();
    const local = await Promise.all(listeners.map(async (listener) => ({ ...listener, localPort: await freePort() })));
    for (const { isInternal, port, localPort } of local) {
      for (const host of isInternal ? [`*.${toolDomain}`] : [gatewayHost, issuerHost])
        ports.set(`${host}:${port}`, localPort);
    }
    ports.set(`${poolHost}:443`, pool.port);
    const hostMap = JSON.stringify(Object.fromEntries(ports));

    const addresses = new Map<string, string[]>();
    const starting: { service: DeployedService; name: string; address: string }[] = [];
    for (const [index, service] of deployed.entries()) {
      const name = imageName(assembly, service.image);
      const address = `127.0.1.${index + 1}`;
      starting.push({ service, name, address });
      for (const { targetGroupArn, port } of service.targets) {
        addresses.set(targetGroupArn, [...(addresses.get(targetGroupArn) ?? []), `${address}:${port}`]);
      }
    }
    const balancer = await startBalancer(local, addresses, certificate);
    closings.push(() => balancer.close());

    const running: { stop(): Promise<void> }[] = [];
    const services = await Promise.all(
      starting.map(async ({ service, name, address }): Promise<RunningService> => {
        const { APPROVAL_WORKFLOW_ARN: stateMachineArn } = service.environment;
        const recorder = await startAwsCallRecorder({
          emulator,
          account,
          ...(stateMachineArn !== undefined && { stateMachineArn }),
        });
        closings.push(() => recorder.close());
        const place = { service, name, address, recorder, emulator, assembly, folder, caFile, hostMap };
        const ofSlack = { apiUrl: slackApiUrl, approver: { ...approver, subject: subjectOf(pool, poolIssuer)('ada') } };
        const started = startService({ ...place, ...(name === 'approvals' && { slack: ofSlack }) });
        closings.push(() => started.kill());
        running.push(started);
        await started.ready;
        return { ...service, name, calls: recorder.calls, output: started.output };
      }),
    );

    useHosts(hostMap, certificate.cert);
    const endpoint = `https://${gatewayHost}/mcp`;
    const issuer = `https://${issuerHost}`;
    const readEnvironment = services.find(({ name }) => name === 'read')?.environment;
    const bucket = readEnvironment?.S3_BUCKETS ?? '';
    await fillBucket(emulator, bucket);
    let clientId: Promise<string> | undefined;
    const platform: DeployedPlatform = {
      endpoint,
      issuer,
      servers: { read: `https://${gatewayHost}/servers/read/mcp`, write: `https://${gatewayHost}/servers/write/mcp` },
      bucket,
      approvals: `https://${gatewayHost}/approvals`,
      isHolding: false,
      expire: (id) => expireQuestion(id, emulator, 'toolgate-prod-'),
      services,
      subjectOf: subjectOf(pool, poolIssuer),
      signIn,
      token: async (user, resource, scope) => {
        clientId ??= registerClient(issuer);
        return obtainToken({
          issuer,
          user,
          resource,
          clientId: await clientId,
          signIn,
          ...(scope !== undefined && { scope }),
        });
      },
      refreshToken: async (user, resource) => {
        clientId ??= registerClient(issuer);
        const { refresh_token = '' } = await obtainTokens({ issuer, user, resource, clientId: await clientId, signIn });
        return { refresh_token, clientId: await clientId };
      },
      records: async (tool) => {
        const copy = await platform.syncAudit();
        return (await findRecords(copy, { tool, last: 1000 })).map(({ record }) => record);
      },
      refusals: async (writer) => {
        const shown = await findRecords(await platform.syncAudit(), { outcome: 'refused', last: 1000 });
        return shown.map(({ record }) => record).filter((record) => record.writer.startsWith(`${writer}-`));
      },
      verifyAudit: async () => runToolgate(['audit', 'verify', await platform.syncAudit()]),
      stopServices: async () => {
        for (const service of running) await service.stop();
      },
      syncAudit: () => syncBucket(emulator, services, join(folder, 'audit')),
      close,
    };
    await untilRegistered(platform);
    return platform;
  } catch (error) {
    await close();
    throw error;
  }
}

function signIn(authorizationUrl: string, redirectUri: string, user: string): Promise<URL> {
  return signInAtPool(authorizationUrl, redirectUri, emailOf(user), poolPassword);
}

/** RFC 7591, as a client does that meets the platform for the first time; it waits when there are many of them. */
async function registerClient(issuer: string): Promise<string> {
  const metadata = (await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()) as {
    registration_endpoint: string;
  };
  const body = JSON.stringify({
    client_name: 'Deployment test',
    redirect_uris: ['http://127.0.0.1/callback'],
    token_endpoint_auth_method: 'none',
  });
  for (;;) {
    const response = await fetch(metadata.registration_endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const { client_id: clientId, ...problem } = (await response.json()) as { client_id?: string };
    if (clientId !== undefined) return clientId;
    const seconds = Number(response.headers.get('retry-after'));
    if (response.status !== 429 || !(seconds > 0))
      throw new Error(`no client was registered: ${JSON.stringify(problem)}`);
    await delay(seconds * 1000);
  }
}

/** Subjects of an organisation's issuer are named after it. */
function subjectOf(pool: EmulatedPool, issuer: string): (user: string) => string {
  return (user) => `${issuer.replace('https://', '')}|${pool.subjects.get(user)}`;
}

/** The folder of the asset that an image was built from holds the very files that Docker would have put into it. */
function imageName(assembly: string, image: string): string {
  const bundle = readFileSync(join(assembly, `asset.${image.split(':').at(-1)}`, 'index.mjs'));
  const name = images.find((each) =>
    readFileSync(fileURLToPath(new URL(`../../dist/images/${each}/index.mjs`, import.meta.url))).equals(bundle),
  );
  if (name === undefined) throw new Error(`the image ${image} is none of ${images.join(', ')}`);
  return name;
}

function startService(parts: {
  readonly service: DeployedService;
  readonly name: string;
  readonly address: string;
  readonly recorder: AwsCallRecorder;
  readonly emulator: Ministack;
  readonly assembly: string;
  readonly folder: string;
  readonly caFile: string;
  readonly hostMap: string;
  readonly slack?: { readonly apiUrl: string; readonly approver: object };
}) {
  const { service, name, address, recorder, emulator, assembly, folder, caFile, hostMap, slack } = parts;
  const writable = join(folder, `${name}-volume`);
  mkdirSync(writable);
  // As the task definition says, but for what one machine needs: an address for each task, and the volume's place.
  const own = Object.fromEntries(
    Object.entries({ ...service.environment, ...service.secrets }).map(([key, value]) => [
      key,
      value.startsWith('/var/toolgate') ? value.replace('/var/toolgate', writable) : value,
    ]),
  );
  const preload = fileURLToPath(new URL('./map-hosts.mjs', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--import', preload, join(assembly, `asset.${service.image.split(':').at(-1)}`, 'index.mjs')],
    {
      cwd: writable,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: '/usr/bin:/bin',
        ...own,
        [name === 'authorization' ? 'AUTHORIZATION_HOST' : 'HOST']: address,
        HOST_MAP: hostMap,
        // The emulator's pool says of an address that it is verified in a text, which counts for nothing; so one approver is listed.
        ...(slack !== undefined && {
          SLACK_API_URL: slack.apiUrl,
          SLACK_APPROVERS: JSON.stringify([slack.approver]),
          // One person asks everything here.
          CARDS_PER_ASKER_MAX: '100',
        }),
        NODE_EXTRA_CA_CERTS: caFile,
        // All clients come from one address here.
        ...(name === 'authorization' && { REGISTRATIONS_PER_MINUTE: '100' }),
        // A new key waits until every reader has it: nobody has an older one here but the gateway, for a second.
        UPSTREAM_KEY_LEAD_MS: '1500',
        // No call waits here for a person: clients are told at once that somebody was asked.
        APPROVAL_HOLD_MS: '0',
        AWS_ENDPOINT_URL: recorder.endpoint,
        AWS_ACCESS_KEY_ID: emulator.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: emulator.credentials.secretAccessKey,
      },
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const exited = once(child, 'exit');
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await Promise.race([exited, delay(30_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
    await exited;
    if (child.exitCode !== 0)
      throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}: ${output.slice(-2000)}`);
  };
  const port = own.PORT ?? own.AUTHORIZATION_PORT ?? '8080';
  const ready = until(
    async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${output.slice(-2000)}`);
      const answer = await fetch(`http://${address}:${port}/healthz`).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.ok === true;
    },
    `${name} to answer`,
    () => output,
  );
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  };
  return { ready, stop, kill, output: () => output };
}

function startBalancer(
  listeners: readonly (Awaited<ReturnType<typeof readListeners>>[number] & { readonly localPort: number })[],
  addresses: ReadonlyMap<string, readonly string[]>,
  certificate: { readonly key: string; readonly cert: string },
): Promise<LoadBalancer> {
  return startLoadBalancer(
    listeners.map(
      ({ localPort, protocol, rules }): BalancerListener => ({
        localPort,
        ...(protocol === 'HTTPS' && { certificate: certificate.cert + certificate.key }),
        rules: rules.map(({ conditions, actions }) => ({
          conditions,
          action: actionOf(
            actions,
            (arn) => addresses.get(arn) ?? [],
            () => {
              throw new Error('the reference deployment verifies no token at the load balancer');
            },
          ),
        })),
      }),
    ),
  );
}

/**
 * The operator's part: real URLs. And the emulator's: it ignores ExcludePunctuation, so generated keys are made as AWS would, and knows no
 * `ClientSecret` of an app client, so it is asked for by its API.
 */
async function fillSecrets(
  emulator: Ministack,
  urls: { readonly reader: string; readonly writer: string },
): Promise<void> {
  const ask = (operation: string, input: object) =>
    askEmulator(emulator, 'secretsmanager', `secretsmanager.${operation}`, input);
  const { SecretList } = (await ask('ListSecrets', { MaxResults: 100 })) as { SecretList: { Name: string }[] };
  for (const { Name } of SecretList) {
    const value = /ReaderUrl/.test(Name)
      ? urls.reader
      : /WriterUrl/.test(Name)
        ? urls.writer
        : /SealingKey|MaskKey|RequestStateKey|CookieKey/.test(Name)
          ? Array.from({ length: 43 }, () => alphabet[Math.floor(Math.random() * alphabet.length)]).join('')
          : /ClientSecret/.test(Name)
            ? await poolClientSecret(emulator)
            : undefined;
    if (value !== undefined) await ask('PutSecretValue', { SecretId: Name, SecretString: value });
  }
}

async function poolClientSecret(emulator: Ministack): Promise<string> {
  const ask = (operation: string, input: object) =>
    askEmulator(emulator, 'cognito-idp', `AWSCognitoIdentityProviderService.${operation}`, input);
  const { UserPools } = (await ask('ListUserPools', { MaxResults: 10 })) as { UserPools: { Id: string }[] };
  for (const { Id: UserPoolId } of UserPools) {
    const list = (await ask('ListUserPoolClients', { UserPoolId })) as { UserPoolClients: { ClientId: string }[] };
    for (const { ClientId } of list.UserPoolClients) {
      const { UserPoolClient } = (await ask('DescribeUserPoolClient', { UserPoolId, ClientId })) as {
        UserPoolClient: { ClientSecret?: string };
      };
      if (UserPoolClient.ClientSecret) return UserPoolClient.ClientSecret;
    }
  }
  throw new Error('no app client of the pool has a secret');
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

async function fillBucket(emulator: Ministack, bucket: string): Promise<void> {
  const s3 = new S3Client({ ...emulator, forcePathStyle: true });
  for (const [Key, Body] of Object.entries(objects))
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: String(Body) }));
  s3.destroy();
}

async function syncBucket(emulator: Ministack, services: readonly RunningService[], folder: string): Promise<string> {
  const s3 = new S3Client({ ...emulator, forcePathStyle: true });
  const Bucket = services.find(({ name }) => name === 'gateway')?.environment.AUDIT_BUCKET ?? '';
  try {
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket, ContinuationToken }));
      for (const { Key = '' } of page.Contents ?? []) {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        const path = join(folder, Key);
        mkdirSync(join(path, '..'), { recursive: true });
        writeFileSync(path, (await Body?.transformToByteArray()) ?? '');
      }
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  } finally {
    s3.destroy();
  }
  return folder;
}

/** This process, too, finds the deployment's hosts where they are played. */
function useHosts(hostMap: string, authority: string): void {
  process.env.HOST_MAP = hostMap;
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), authority]);
}

/** The registry fetches what the stacks declared, and the gateway follows the catalogue. */
async function untilRegistered(platform: DeployedPlatform): Promise<void> {
  await import('./map-hosts.mjs' as string);
  const logs = () => platform.services.map(({ name, output }) => `--- ${name}\n${output().slice(-1500)}`).join('\n');
  // Gateway and authorization server follow the catalogue each by itself.
  const documents = [
    new URL('/.well-known/mcp-capabilities', platform.endpoint),
    new URL('/.well-known/oauth-authorization-server', platform.issuer),
  ];
  await until(
    async () => {
      const texts = await Promise.all(
        documents.map(async (url) => (await fetch(url).catch(() => undefined))?.text() ?? ''),
      );
      const scopes = ['postgres:query:readonly', 'postgres:query:write', 's3:list'];
      return texts.every((text) => scopes.every((scope) => text.includes(scope)));
    },
    'the tool servers to be registered',
    logs,
  );
}

async function until(isSo: () => Promise<boolean>, what: string, detail: () => string): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (performance.now() < deadline) {
    if (await isSo()) return;
    await delay(100);
  }
  throw new Error(`waited in vain for ${what}: ${detail()}`);
}
