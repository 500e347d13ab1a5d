import type * as cdk from 'aws-cdk-lib';
import type * as cognito from 'aws-cdk-lib/aws-cognito';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { ToolDomain } from './tool-domain.ts';

/** A user pool for a platform. */
export interface IdentityProviderProps {
  /** Names the platform in the account and region; parameters of machine clients lie under `/toolgate/{platformName}/clients`. */
  readonly platformName: string;
  /** Origin of the authorization server, e.g. `https://id.example.com`; Cognito sends people back to `/sign-in/callback` there. */
  readonly authorizationUrl: string;
  /**
   * Origin of the gateway, e.g. `https://mcp.example.com`.
   *
   * @default - none: each tool domain says its identifier
   */
  readonly gatewayUrl?: string;
  /**
   * A user pool that is there already, with a domain, roles as groups, `custom:tenant` and, for tokens that the gateway takes directly, the
   * pre-token function as its trigger.
   *
   * @default - a new one
   */
  readonly userPool?: cognito.IUserPool;
  /**
   * First label of the sign-in pages' host, `{prefix}.auth.{region}.amazoncognito.com`. One of a kind in its region.
   *
   * @default - made from the id of the stack
   */
  readonly domainPrefix?: string;
  /**
   * Whether a second factor (an authenticator app) is asked for.
   *
   * @default Mfa.REQUIRED
   */
  readonly mfa?: cognito.Mfa;
  /**
   * Lets Cognito block sign-ins that look like a takeover. Takes the Plus plan, 0.02 instead of 0.015 USD per person and month.
   *
   * @default false
   */
  readonly threatProtection?: boolean;
  /**
   * Groups of the pool, which are the roles that policy knows.
   *
   * @default - reader, operator, approver, platform-admin
   */
  readonly roles?: string[];
  /**
   * Where people may sign in. An identity provider of the pool is made before it is named here, and maps its tenant to `custom:tenant`.
   *
   * @default - the pool itself
   */
  readonly supportedIdentityProviders?: cognito.UserPoolClientIdentityProvider[];
  /**
   * Tools whose scopes Cognito itself can give tokens for. Not needed for people and agents that come through the authorization server.
   *
   * @default - none
   */
  readonly toolDomains?: ToolDomain[];
  /**
   * Resource servers that the account's pools may have.
   *
   * @default 25
   */
  readonly resourceServersMax?: number;
  /**
   * Code of the pre-token function.
   *
   * @default - the one in the package
   */
  readonly preTokenCode?: lambda.Code;
  /**
   * Refuses to delete the pool.
   *
   * @default true
   */
  readonly deletionProtection?: boolean;
  /**
   * What becomes of the pool when the stack goes.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: cdk.RemovalPolicy;
}

/** An application in which people use tools with tokens of Cognito itself, by authorization code with PKCE. */
export interface AppClientProps {
  /** Shown in the pool, e.g. `billing-console`. */
  readonly name: string;
  /** Where it may be sent back to: https, or http on localhost. */
  readonly callbackUrls: string[];
  /** Scopes of tool domains that it may ask for. No others, `openid` included: a token with scopes of somebody else is refused. */
  readonly scopes: string[];
  /**
   * Whether it can keep a secret, as a web server can.
   *
   * @default false
   */
  readonly confidential?: boolean;
}
