import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Egress } from '../../lib/constructs/egress.ts';
import { IdentityProvider } from '../../lib/constructs/identity-provider.ts';
import { McpPlatform } from '../../lib/constructs/mcp-platform.ts';
import { PlatformProfile } from '../../lib/constructs/platform-profile.ts';
import { ToolServer } from '../../lib/constructs/tool-server.ts';
import { type CostLine, monthlyCost, total } from '../support/monthly-cost.ts';
import { synthTemplate } from '../support/synth.ts';

const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8');

/** A platform with two tool servers and a domain of its own, as the page prices it. */
function platform(profile: PlatformProfile, egress: Egress): readonly CostLine[] {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-cost-'));
  try {
    const tenantsPath = join(folder, 'tenants.json');
    writeFileSync(tenantsPath, readFileSync(new URL('../../policies/data/tenants.json', import.meta.url)));
    const { template } = synthTemplate((stack) => {
      const made = new McpPlatform(stack, 'Platform', {
        platformName: 'prod',
        domainName: 'example.com',
        certificate: acm.Certificate.fromCertificateArn(stack, 'C', 'arn:aws:acm:us-east-1:111122223333:certificate/1'),
        profile,
        egress,
        // Made here, because a platform whose egress does not reach Cognito makes none.
        identity: new IdentityProvider(stack, 'Identity', {
          platformName: 'prod',
          authorizationUrl: 'https://id.example.com',
        }),
        tenantsPath,
        policyVersion: 1,
      });
      for (const name of ['Billing', 'Search']) addServer(stack, made, name);
    });
    return monthlyCost(template.toJSON().Resources);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function addServer(stack: cdk.Stack, made: McpPlatform, id: string): void {
  const scope = `${id.toLowerCase()}:read`;
  new ToolServer(stack, id, {
    platform: made,
    image: ecs.ContainerImage.fromRegistry('example'),
    owner: 'team',
    slo: { availability: 99.9, latencyP95: cdk.Duration.seconds(1) },
    tools: [{ name: `${id.toLowerCase()}.list`, scopes: [scope] }],
    scopes: { [scope]: { words: 'read' } },
  });
}

/** Lines as rows of the page: `| 3 | KMS key | 1.00 | 3.00 |`, and the sum. */
function rows(lines: readonly CostLine[]): string[] {
  return [
    ...lines.map(
      ({ what, count, each }) => `| ${count} | ${what} | ${each.toFixed(2)} | ${(count * each).toFixed(2)} |`,
    ),
    `| | **together** | | **${total(lines)}** |`,
  ];
}

test('a platform for development with two tool servers stays under 66 USD a month', () => {
  const lines = platform(PlatformProfile.dev(), Egress.publicSubnets());
  assert.ok(total(lines) < 66, `${total(lines)} USD`);
});

test('the cost page has every line of the platform for development', () => {
  for (const row of rows(platform(PlatformProfile.dev(), Egress.publicSubnets())))
    assert.ok(page.includes(row), `docs/cost.md lacks the row ${row}`);
});

test('the cost page has every line of a production platform', () => {
  for (const row of rows(platform(PlatformProfile.production(), Egress.nat())))
    assert.ok(page.includes(row), `docs/cost.md lacks the row ${row}`);
});

test('the cost page compares the ways out of the network by what they come to', () => {
  const choices = [
    ['`Egress.nat()`', Egress.nat()],
    ['`Egress.nat({ gateways: 2 })`', Egress.nat({ gateways: 2 })],
    ['`Egress.endpoints()`', Egress.endpoints()],
    ['`Egress.endpoints({ singleZone: true })`', Egress.endpoints({ singleZone: true })],
    ['`Egress.publicSubnets()`', Egress.publicSubnets()],
  ] as const;
  for (const [name, egress] of choices) {
    const row = `| ${name} | ${total(platform(PlatformProfile.production(), egress))} |`;
    assert.ok(page.includes(row), `docs/cost.md lacks the row ${row}`);
  }
});

test('README says what the cost page says', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const nat = total(platform(PlatformProfile.production(), Egress.nat()));
  const endpoints = total(platform(PlatformProfile.production(), Egress.endpoints()));
  const dev = total(platform(PlatformProfile.dev(), Egress.publicSubnets()));
  for (const words of [
    `about ${nat} USD a month in production`,
    `about ${endpoints - nat} more`,
    `about ${dev} USD a month with \`PlatformProfile.dev()\``,
  ])
    assert.ok(readme.includes(words), `README.md lacks "${words}"`);
});

test('a resource that nobody has priced is a failure', () => {
  assert.throws(
    () => monthlyCost({ Cache: { Type: 'AWS::ElastiCache::CacheCluster' } }),
    /Cache is a AWS::ElastiCache/,
  );
});
