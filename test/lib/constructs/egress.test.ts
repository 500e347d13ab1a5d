import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Egress } from '../../../lib/constructs/egress.ts';
import { IdentityProvider } from '../../../lib/constructs/identity-provider.ts';
import { McpPlatform } from '../../../lib/constructs/mcp-platform.ts';
import type { McpPlatformProps } from '../../../lib/constructs/mcp-platform-props.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';

type Build = Parameters<typeof synthTemplate>[0];

function platform(more: (stack: Parameters<Build>[0]) => Partial<McpPlatformProps> = () => ({})): Build {
  return (stack) => {
    new McpPlatform(stack, 'Platform', {
      platformName: 'prod',
      domainName: 'example.com',
      certificate: acm.Certificate.fromCertificateArn(stack, 'C', 'arn:aws:acm:us-east-1:111122223333:certificate/1'),
      tenantsPath: fileURLToPath(new URL('../../../policies/data/tenants.json', import.meta.url)),
      policyVersion: 1,
      egress: Egress.endpoints(),
      ...more(stack),
    });
  };
}

test('a platform whose egress does not reach Cognito is not built with a pool of Cognito', () => {
  assert.match(
    synthFailure(platform()),
    /^Stack\/Platform: egress is Egress\.endpoints\(\).* nobody could sign in: give identity, .* or choose Egress\.nat\(\)$/,
  );
});

test('with an issuer that is reached from inside, nothing needs the Internet', () => {
  const { template } = synthTemplate(
    platform((stack) => ({
      identity: IdentityProvider.fromIssuer(stack, 'Issuer', {
        issuer: 'https://login.internal.example.com',
        clientId: 'toolgate',
        clientSecret: secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'toolgate'),
      }),
    })),
  );
  template.resourceCountIs('AWS::EC2::NatGateway', 0);
  template.resourceCountIs('AWS::Cognito::UserPool', 0);
  template.resourcePropertiesCountIs('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Interface' }, 6);
});
