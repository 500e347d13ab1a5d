import * as cdk from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { isLiteral, shown } from './check-props.ts';
import { synthError } from './synth-error.ts';

/** What a client may be allowed to do with the tools of a domain. */
export interface ToolScope {
  /** As the tools' servers declare it, e.g. `billing:read`. Cognito takes no `/` in it. */
  readonly name: string;
  /** For whoever reads the pool, 1 to 256 characters. */
  readonly description: string;
}

/**
 * Tools that belong together and share scopes, so that Cognito can give tokens for them. One resource server of the pool each, not one
 * per tool: a pool has 25.
 */
export interface ToolDomain {
  /** e.g. `billing`. */
  readonly name: string;
  /** At most 100. */
  readonly scopes: ToolScope[];
  /**
   * Identifier of the resource server; a token carries `{identifier}/{scope}`. It is a door of the gateway, so that a client that names it
   * as `resource` (RFC 8707) gets a token for that door: `{gateway}/mcp`, or `{gateway}/servers/{server}/mcp`.
   *
   * @default - `{gateway}/servers/{name}/mcp`
   */
  readonly identifier?: string;
}

/** Resource servers of a pool, unless an account has more; at most 300. Amazon Cognito Developer Guide, "Quotas". */
export const resourceServersQuota = 25;
const scopesMax = 100;
/** Of all an app client may ask for. */
const clientScopesMax = 50;

const domainName = /^[a-z][a-z0-9-]{0,62}$/;
/** Amazon Cognito API, "CreateResourceServer". */
const resourceIdentifier = /^[\x21\x23-\x5B\x5D-\x7E]{1,256}$/;
/** What tokens, policy and Cognito all take. */
const scopeName = /^[A-Za-z0-9][A-Za-z0-9:._-]{0,127}$/;

export interface ToolDomainsProps {
  readonly userPool: cognito.IUserPool;
  readonly domains: readonly ToolDomain[];
  readonly gatewayUrl: string | undefined;
  readonly resourceServersMax: number;
}

/** The resource servers of a pool, and which scope belongs to which. */
export class ToolDomains extends Construct {
  /** Identifiers of the resource servers. */
  readonly identifiers: readonly string[];
  private readonly scopes = new Map<string, cognito.OAuthScope>();
  private readonly identified = new Set<string>();
  private readonly resourceServers: cognito.UserPoolResourceServer[] = [];

  constructor(scope: Construct, id: string, props: ToolDomainsProps) {
    super(scope, id);
    const { domains, resourceServersMax } = props;
    if (domains.length > resourceServersMax) {
      throw synthError(
        this,
        `there are ${domains.length} tool domains, and a user pool has at most ${resourceServersMax} resource servers: put tools that share an owner into one domain, or ask AWS for more and say so in resourceServersMax`,
      );
    }
    this.identifiers = domains.map((domain) => this.add(domain, props));
  }

  /**
   * Scopes as an app client asks for them.
   * @throws Error when one is unknown, or there are too many.
   */
  find(names: readonly string[], what: string): cognito.OAuthScope[] {
    if (names.length < 1 || names.length > clientScopesMax) {
      throw synthError(this, `${what} has ${names.length} scopes: give 1 to ${clientScopesMax}`);
    }
    const repeated = names.find((name, index) => names.indexOf(name) !== index);
    if (repeated !== undefined) {
      throw synthError(this, `${what} has the scope "${repeated}" twice: leave one away`);
    }
    return names.map((name) => {
      const found = this.scopes.get(name);
      if (found !== undefined) return found;
      const known = [...this.scopes.keys()].join(', ') || 'none, so give toolDomains first';
      throw synthError(this, `${what} has the scope "${name}", which no tool domain has; there are: ${known}`);
    });
  }

  /** A client that may have a scope is made after the scope. */
  precede(client: Construct): void {
    client.node.addDependency(...this.resourceServers);
  }

  private add(domain: ToolDomain, { userPool, gatewayUrl }: ToolDomainsProps): string {
    const { name, scopes } = domain;
    if (!isLiteral(name, domainName)) {
      throw synthError(
        this,
        `a tool domain is named ${shown(name)}: give 1 to 63 lower-case letters, digits and hyphens, the first a letter`,
      );
    }
    if (this.node.tryFindChild(name) !== undefined) {
      throw synthError(this, `two tool domains are named "${name}": merge them, or name one differently`);
    }
    if (scopes.length < 1 || scopes.length > scopesMax) {
      throw synthError(this, `the tool domain ${name} has ${scopes.length} scopes: give 1 to ${scopesMax}`);
    }
    const identifier = domain.identifier ?? `${this.gatewayOf(name, gatewayUrl)}/servers/${name}/mcp`;
    if (!cdk.Token.isUnresolved(identifier) && !resourceIdentifier.test(identifier)) {
      throw synthError(
        this,
        `the tool domain ${name} has the identifier ${shown(identifier)}: give a door of the gateway, 1 to 256 characters without blanks, e.g. https://mcp.example.com/mcp`,
      );
    }
    if (this.identified.has(identifier)) {
      throw synthError(this, `two tool domains have the identifier ${identifier}: merge them, or give one another`);
    }
    this.identified.add(identifier);
    const offered = scopes.map((each) => this.checked(each, name));
    const names = offered.map((each) => each.scopeName);
    const repeated = names.find((each, index) => names.indexOf(each) !== index);
    if (repeated !== undefined) {
      throw synthError(this, `the tool domain ${name} has the scope "${repeated}" twice: leave one away`);
    }
    const server = new cognito.UserPoolResourceServer(this, name, {
      userPool,
      identifier,
      // Its default is the identifier, and a URL is no name.
      userPoolResourceServerName: name,
      scopes: offered,
    });
    for (const each of offered) this.scopes.set(each.scopeName, cognito.OAuthScope.resourceServer(server, each));
    this.resourceServers.push(server);
    return identifier;
  }

  private gatewayOf(name: string, gatewayUrl: string | undefined): string {
    if (gatewayUrl !== undefined) return gatewayUrl;
    throw synthError(this, `the tool domain ${name} has no identifier: give one, or give gatewayUrl`);
  }

  private checked({ name, description }: ToolScope, domain: string): cognito.ResourceServerScope {
    if (!isLiteral(name, scopeName)) {
      throw synthError(
        this,
        `the tool domain ${domain} has the scope ${shown(name)}: give 1 to 128 letters, digits and : . _ -, the first a letter or digit, e.g. billing:read`,
      );
    }
    if (this.scopes.has(name)) {
      throw synthError(
        this,
        `the scope "${name}" of the tool domain ${domain} is in another domain too: a scope has one place`,
      );
    }
    if (description.length < 1 || description.length > 256) {
      throw synthError(
        this,
        `the scope "${name}" has a description of ${description.length} characters: give 1 to 256`,
      );
    }
    return new cognito.ResourceServerScope({ scopeName: name, scopeDescription: description });
  }
}
