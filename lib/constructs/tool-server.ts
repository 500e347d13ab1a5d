import { createHash } from 'node:crypto';
import * as cdk from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { gatewayActor, registryActor, registryIssuer } from '../../runtime/contract/upstream-issuers.ts';
import { checkDeclaration, type DeclaredServer, renderDeclaration } from './check-declaration.ts';
import { requireProps, shown } from './check-props.ts';
import { checkSameVpc } from './check-vpc.ts';
import type { IMcpPlatform } from './mcp-platform-base.ts';
import { McpService } from './mcp-service.ts';
import { servicePort } from './service-ports.ts';
import { containerSettings, type ToolServerSettings } from './service-settings.ts';
import { type McpServiceSizing, sizingOf } from './service-sizing.ts';
import { drainTimeoutMs } from './stop-times.ts';
import { synthError } from './synth-error.ts';
import { claim } from './tool-claims.ts';
import type { ScopeDeclaration, ServiceLevelObjective, ToolDeclaration } from './tool-declaration.ts';

/** What a tool server is made of. */
export interface ToolServerProps extends McpServiceSizing {
  /**
   * `McpPlatform.fromPlatformName(this, 'Platform', 'prod')`, or the platform of the same app, whose stack then cannot replace what this one
   * refers to as long as this one is there.
   */
  readonly platform: IMcpPlatform;
  /** An ARM64 image of an MCP server that listens on `PORT` and takes the tokens of the gateway, and of the registry to list tools, only. */
  readonly image: ecs.ContainerImage;
  /** The team that answers for the server, as its manifest names it. */
  readonly owner: string;
  /** What callers may expect. */
  readonly slo: ServiceLevelObjective;
  /** Every tool that the server has; a tool that is not here is not registered. */
  readonly tools: ToolDeclaration[];
  /** Every scope that a tool needs. */
  readonly scopes: { [scope: string]: ScopeDeclaration };
  /**
   * Name of the server: in URLs, in policy, in the record.
   *
   * @default - the construct's id in kebab-case, `BillingTools` as `billing-tools`
   */
  readonly name?: string;
  /**
   * Variables of the container beside those of every tool server, which cannot be replaced.
   *
   * @default - none
   */
  readonly environment?: { [name: string]: string };
  /**
   * Variables that ECS reads from Secrets Manager when a task starts.
   *
   * @default - none
   */
  readonly secrets?: { [name: string]: ecs.Secret };
  /**
   * Where the tasks run.
   *
   * @default - the platform's cluster
   */
  readonly cluster?: ecs.ICluster;
  /**
   * Priority of the rule at the internal load balancer, 1 to 49999.
   *
   * @default - a stable number made from the name
   */
  readonly listenerPriority?: number;
}

// SSM User Guide, "Managing parameter tiers": characters of a value.
const standardCharsMax = 4096;
const advancedCharsMax = 8192;
/** Room for what is known only when it is deployed: the ARN of a task definition. */
const revisionChars = 256;
const writerCharsMax = 31;

/**
 * One MCP tool server behind the gateway, in a stack of its own team: run, routed, declared to the registry, recorded. Who may call it is
 * policy of the platform, so nobody grants themselves anything here.
 */
export class ToolServer extends Construct implements ec2.IConnectable, iam.IGrantable {
  /** Name of the server. */
  readonly name: string;
  /** Origin at which the gateway calls it. */
  readonly url: string;
  /** `aud` of the tokens that it takes. */
  readonly audience: string;
  /** What answers. */
  readonly service: McpService;
  /** What its code may do; give it what the tools need, e.g. `bucket.grantRead(server.taskRole)`. */
  readonly taskRole: iam.IRole;
  readonly grantPrincipal: iam.IPrincipal;
  /** Lets it reach a database: `database.connections.allowDefaultPortFrom(server)`. */
  readonly connections: ec2.Connections;
  /** What the registry reads. */
  readonly declaration: ssm.StringParameter;

  constructor(scope: Construct, id: string, props: ToolServerProps) {
    super(scope, id);
    requireProps(this, props, ['platform', 'image']);
    const { platform, owner, slo, tools, scopes } = props;
    this.name = props.name ?? kebabCase(id);
    const declared: DeclaredServer = { name: this.name, owner, slo, tools, scopes };
    checkDeclaration(this, declared);
    for (const tool of tools) claim(this, platform.platformName, 'tool', tool.name);
    this.url = platform.toolEdge.serverUrl(this.name);
    this.audience = `urn:toolgate:server:${this.name}`;

    const own = this.settings(platform, owner);
    const environment = this.tenants('environment', props.environment, own);
    const secrets = this.tenants('secrets', props.secrets, { ...environment, ...own });
    checkSameVpc(this, 'cluster', props.cluster?.vpc, platform.network.vpc);
    this.service = new McpService(this, 'Service', {
      ...sizingOf(props, platform.profile.sizing),
      cluster: props.cluster ?? platform.cluster,
      network: platform.network,
      image: props.image,
      environment: { ...environment, ...own },
      secrets,
      memberOf: [platform.toolEdge.memberGroup(this)],
    });
    this.taskRole = this.service.taskRole;
    this.grantPrincipal = this.service.grantPrincipal;
    this.connections = this.service.connections;
    platform.audit.grants.write(this.taskRole, writerName(this.name));
    platform.toolEdge.addServer(this, {
      name: this.name,
      service: this.service,
      listenerPriority: props.listenerPriority,
    });
    this.declaration = this.makeDeclaration(platform.platformName, declared);
  }

  private settings(platform: IMcpPlatform, owner: string): { [name: string]: string } {
    const { toolEdge, trustDomain, audit } = platform;
    return containerSettings({
      PORT: String(servicePort),
      PUBLIC_URL: this.url,
      AUDIENCE: this.audience,
      OWNER: owner,
      GATEWAY_ISSUER: platform.gatewayUrl,
      GATEWAY_JWKS_URL: toolEdge.gatewayKeysUrl,
      ALLOWED_ACTORS: gatewayActor(trustDomain),
      REGISTRY_ISSUER: registryIssuer(platform.gatewayUrl),
      REGISTRY_JWKS_URL: toolEdge.registryKeysUrl,
      REGISTRY_ACTOR: registryActor(trustDomain),
      AUDIT_BUCKET: audit.bucket.bucketName,
      AUDIT_KMS_KEY_ID: audit.signingKey.keyArn,
      AUDIT_WRITER: writerName(this.name),
      DRAIN_TIMEOUT_MS: drainTimeoutMs,
      AWS_REGION: cdk.Stack.of(this).region,
    } satisfies ToolServerSettings).environment;
  }

  /** What the tenant sets itself, when none of it is in `taken`. */
  private tenants<T>(prop: string, own: { [name: string]: T } = {}, taken: object): { [name: string]: T } {
    for (const [name, value] of Object.entries(own)) {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        throw synthError(this, `${prop} has ${JSON.stringify(name)}: a variable is letters, digits and underscores`);
      }
      if (Object.hasOwn(taken, name)) {
        throw synthError(
          this,
          `${prop} has ${name}, which ${prop === 'secrets' ? 'environment has too, or ' : ''}the platform sets for every tool server: leave it out`,
        );
      }
      if (prop === 'environment' && typeof value !== 'string') {
        throw synthError(this, `environment has ${name}, which is ${shown(value)}: give a text, or leave it out`);
      }
      if (value === undefined) throw synthError(this, `${prop} has ${name}, which is undefined: leave it out`);
    }
    return own;
  }

  private makeDeclaration(platformName: string, declared: DeclaredServer): ssm.StringParameter {
    const revision = this.service.taskDefinition.taskDefinitionArn;
    const { url, audience } = this;
    const chars = JSON.stringify(renderDeclaration(declared, { url, audience, revision: '' })).length + revisionChars;
    if (chars > advancedCharsMax) {
      throw synthError(
        this,
        `its declaration has up to ${chars} characters, and an SSM parameter holds ${advancedCharsMax}: shorten the words of scopes, or split its ${declared.tools.length} tools over two servers`,
      );
    }
    const declaration = new ssm.StringParameter(this, 'Declaration', {
      parameterName: `/toolgate/${platformName}/servers/${this.name}`,
      description: `Tool server of ${declared.owner}; the registry of the platform ${platformName} reads it`,
      stringValue: cdk.Stack.of(this).toJsonString(renderDeclaration(declared, { url, audience, revision })),
      tier: chars > standardCharsMax ? ssm.ParameterTier.ADVANCED : ssm.ParameterTier.STANDARD,
    });
    // Declared when it answers, so that the registry's first look finds it.
    declaration.node.addDependency(this.service.service);
    return declaration;
  }
}

/** `BillingTools` as `billing-tools`. What is no ASCII stays, and is refused as a name rather than dropped from it. */
export function kebabCase(id: string): string {
  return id
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .replace(/[ -/:-@[-`{-~]+/g, '-')
    .toLowerCase();
}

/**
 * The writer of a server's record. Nothing but letters, digits and underscores, because grants end in `{writer}-*`: the server `a` must not be
 * able to write as `a-b`. A long name begins with `tool_`, which no short one does, and has 80 bits of a hash: nobody finds another name for it.
 */
export function writerName(serverName: string): string {
  const writer = `tools_${serverName.replaceAll('-', '_')}`;
  if (writer.length <= writerCharsMax) return writer;
  const begin = `tool_${serverName.slice(0, 5).replaceAll('-', '_')}_`;
  const hash = createHash('sha256').update(serverName).digest('hex');
  return begin + hash.slice(0, writerCharsMax - begin.length);
}
