import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { AuditRecord } from '../../runtime/contract/audit-event.ts';
import { obtainToken, obtainTokens } from '../../runtime/local/obtain-token.ts';
import { startPostgres } from '../../runtime/local/postgres.ts';
import { findRecords } from '../../runtime/shared/audit/show-records.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { startAwsCallRecorder } from './aws-call-recorder.ts';
import { startDeployedBalancer } from './deployed-balancer.ts';
import { fillBucket, syncBucket } from './deployed-buckets.ts';
import { fillSecrets } from './deployed-secrets.ts';
import { startDeployedService } from './deployed-service.ts';
import { resolvePolicies, type TemplatePolicy } from './emulated-assembly.ts';
import { type EmulatedPool, emailOf, openEmulatedPool, poolPassword } from './emulated-pool.ts';
import { freePort } from './free-port.ts';
import type { AwsCall } from './iam-policy.ts';
import type { Ministack } from './ministack.ts';
import { signInAtPool } from './pool-sign-in.ts';
import { type DeployedService, readListeners, readOutputs, readServices } from './read-deployment.ts';
import { selfSigned } from './self-signed.ts';
import { type ApprovalsUnderTest, expireQuestion, runToolgate } from './test-platform.ts';
import { until } from './until.ts';

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
    const balancer = await startDeployedBalancer(local, addresses, certificate);
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
        const started = startDeployedService({ ...place, ...(name === 'approvals' && { slack: ofSlack }) });
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
    const auditBucket = services.find(({ name }) => name === 'gateway')?.environment.AUDIT_BUCKET ?? '';
    await fillBucket(emulator, bucket);
    let clientId: Promise<string> | undefined;
    const platform: DeployedPlatform = {
      endpoint,
      issuer,
      servers: { read: `https://${gatewayHost}/servers/read/mcp`, write: `https://${gatewayHost}/servers/write/mcp` },
      bucket,
      approvals: `https://${gatewayHost}/approvals`,
      isHolding: true,
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
      syncAudit: () => syncBucket(emulator, auditBucket, join(folder, 'audit')),
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
