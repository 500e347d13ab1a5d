import * as cdk from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import type { Construct } from 'constructs';
import { isLiteral, shown } from './check-props.ts';
import type { IdentityProviderProps } from './identity-provider-props.ts';
import { synthError } from './synth-error.ts';

/** `runtime/contract/caller.ts` and policy know these. */
const rolesByDefault = ['reader', 'operator', 'approver', 'platform-admin'];
const roleName = /^[a-z][a-z0-9-]{0,62}$/;

/** The people of a platform: invited, with a second factor, in groups that are their roles, each with a tenant that no client can write. */
export function createUserPool(scope: Construct, props: IdentityProviderProps): cognito.UserPool {
  const roles = checkRoles(scope, props.roles ?? rolesByDefault);
  const threatProtection = props.threatProtection ?? false;
  const pool = new cognito.UserPool(scope, 'UserPool', {
    signInAliases: { email: true },
    signInCaseSensitive: false,
    selfSignUpEnabled: false,
    standardAttributes: { email: { required: true, mutable: true } },
    customAttributes: { tenant: new cognito.StringAttribute({ minLen: 1, maxLen: 63, mutable: true }) },
    keepOriginal: { email: true },
    accountRecovery: cognito.AccountRecovery.EMAIL_ONLY,
    passwordPolicy: {
      minLength: 12,
      requireLowercase: true,
      requireUppercase: true,
      requireDigits: true,
      requireSymbols: true,
      tempPasswordValidity: cdk.Duration.days(3),
    },
    mfa: props.mfa ?? cognito.Mfa.REQUIRED,
    mfaSecondFactor: { otp: true, sms: false },
    featurePlan: threatProtection ? cognito.FeaturePlan.PLUS : cognito.FeaturePlan.ESSENTIALS,
    ...(threatProtection && { standardThreatProtectionMode: cognito.StandardThreatProtectionMode.FULL_FUNCTION }),
    deletionProtection: props.deletionProtection ?? true,
    removalPolicy: props.removalPolicy ?? cdk.RemovalPolicy.RETAIN,
  });
  if (!threatProtection) {
    cdk.Validations.of(pool).acknowledge({
      id: 'AwsSolutions-COG8',
      reason: 'Threat protection takes the Plus plan; the platform team chooses it with threatProtection.',
    });
  }
  for (const role of roles) pool.addGroup(`Role-${role}`, { groupName: role });
  return pool;
}

function checkRoles(scope: Construct, roles: readonly string[]): readonly string[] {
  const odd = roles.find((role, index) => !isLiteral(role, roleName) || roles.indexOf(role) !== index);
  if (odd !== undefined || roles.length === 0) {
    throw synthError(
      scope,
      `roles ${odd === undefined ? 'is empty' : `has ${shown(odd)}`}: name each once, in 1 to 63 lower-case letters, digits and hyphens, e.g. "reader"`,
    );
  }
  return roles;
}
