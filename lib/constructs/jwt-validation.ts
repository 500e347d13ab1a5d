import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { isLiteral, shown } from './check-props.ts';
import { synthError } from './synth-error.ts';

/** How a claim holds its values. */
export class JwtClaimFormat {
  /** One string. */
  static readonly SINGLE_STRING = new JwtClaimFormat('single-string');
  /** An array of strings. */
  static readonly STRING_ARRAY = new JwtClaimFormat('string-array');
  /** One string with spaces between values, as `scope` is. */
  static readonly SPACE_SEPARATED = new JwtClaimFormat('space-separated-values');

  /** As CloudFormation has it. */
  readonly value: string;

  private constructor(value: string) {
    this.value = value;
  }
}

/** A claim that a token must have, with all of the values. */
export interface JwtClaim {
  /** Name of the claim. */
  readonly name: string;
  /** One to ten. */
  readonly values: string[];
  /**
   * How its values are written in the token.
   *
   * @default JwtClaimFormat.SINGLE_STRING
   */
  readonly format?: JwtClaimFormat;
}

/** An issuer that signs with RS256 and publishes its keys where the load balancer can fetch them. */
export interface JwtIssuer {
  /** The `iss` of its tokens. At most 256 characters. */
  readonly issuer: string;
  /** Where its keys are, over https. At most 256 characters, ten keys and 150 KB. */
  readonly jwksUri: string;
  /**
   * Claims that every token must have; at most ten.
   *
   * @default - none beyond `iss` and `exp`
   */
  readonly claims?: JwtClaim[];
}

/**
 * Whose bearer tokens the load balancer lets through, as defence in depth: the gateway verifies every token itself.
 *
 * Two prices, which is why it is off unless asked for. The load balancer knows one issuer, so tokens that the gateway would take from
 * another (Cognito directly, AWS roles) are turned away. And its 401 is bare: a client whose token has expired does not read where to get
 * a new one (`WWW-Authenticate`, RFC 9728), and has to remember.
 */
export class JwtValidation {
  /** Tokens of the platform's own authorization server, which signs with RS256. */
  static ofAuthorizationServer(): JwtValidation {
    return new JwtValidation(undefined);
  }

  /** Tokens of another issuer. */
  static ofIssuer(issuer: JwtIssuer): JwtValidation {
    return new JwtValidation(issuer);
  }

  private readonly issuer: JwtIssuer | undefined;

  private constructor(issuer: JwtIssuer | undefined) {
    this.issuer = issuer;
  }

  /**
   * The issuer, checked.
   * @throws Error when the load balancer could not work with it.
   * @internal
   */
  _bind(scope: IConstruct, authorizationUrl: string): JwtIssuer {
    const issuer = this.issuer ?? { issuer: authorizationUrl, jwksUri: `${authorizationUrl}/jwks` };
    for (const [name, value] of [
      ['issuer', issuer.issuer],
      ['jwksUri', issuer.jwksUri],
    ] as const) {
      if (!cdk.Token.isUnresolved(value) && !isLiteral(value, /^https:\/\/.{1,248}$/)) {
        throw synthError(
          scope,
          `jwtValidation.${name} is ${shown(value)}: give an https URL of at most 256 characters`,
        );
      }
    }
    const claims = issuer.claims ?? [];
    if (claims.length > 10) {
      throw synthError(scope, `jwtValidation has ${claims.length} claims: a load balancer checks at most 10`);
    }
    for (const { name, values } of claims) {
      if (values.length < 1 || values.length > 10) {
        throw synthError(scope, `jwtValidation has ${values.length} values for the claim ${name}: give 1 to 10`);
      }
    }
    return issuer;
  }
}
