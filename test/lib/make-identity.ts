import type * as cdk from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { IdentityProvider } from '../../lib/constructs/identity-provider.ts';
import type { IdentityProviderProps } from '../../lib/constructs/identity-provider-props.ts';
import type { ToolDomain } from '../../lib/constructs/tool-domain.ts';
import { synthFailure, synthTemplate } from '../support/synth.ts';

type Options = Partial<IdentityProviderProps>;
type Use = (identity: IdentityProvider, stack: cdk.Stack) => void;

const nothing: Use = () => {};

/** An identity provider with what a test says beside what each needs, in `stack`. */
export function buildIdentity(stack: cdk.Stack, options: Options, use: Use): void {
  const given = { ...(options.userPool === undefined && { preTokenCode: lambda.Code.fromInline('//') }), ...options };
  const defaults = {
    platformName: 'prod',
    authorizationUrl: 'https://id.example.com',
    gatewayUrl: 'https://mcp.example.com',
  };
  use(new IdentityProvider(stack, 'Identity', { ...defaults, ...given }), stack);
}

export function identity(options: Options = {}, use: Use = nothing): Template {
  return synthTemplate((stack) => buildIdentity(stack, options, use)).template;
}

export function identityFailure(options: Options = {}, use: Use = nothing): string {
  return synthFailure((stack) => buildIdentity(stack, options, use));
}

export const billing: ToolDomain = {
  name: 'billing',
  scopes: [
    { name: 'billing:read', description: 'read invoices' },
    { name: 'billing:write', description: 'change invoices' },
  ],
};
