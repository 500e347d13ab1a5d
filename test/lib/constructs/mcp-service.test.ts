import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as cdk from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Egress } from '../../../lib/constructs/egress.ts';
import { McpService, type McpServiceProps } from '../../../lib/constructs/mcp-service.ts';
import { PlatformNetwork } from '../../../lib/constructs/platform-network.ts';
import { drainTimeoutMs, stopSeconds } from '../../../lib/constructs/stop-times.ts';
import { gatewayEnv } from '../../../runtime/gateway/env.ts';
import { toolServerEnv } from '../../../runtime/tools/tool-server-env.ts';
import { synthTemplate } from '../../support/synth.ts';

test('a container cannot write but in one folder, has no capability and is no Intel one', () => {
  const { template } = synthTemplate((stack) => service(stack));
  template.hasResourceProperties('AWS::ECS::TaskDefinition', {
    RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
    Cpu: '256',
    Memory: '512',
    Volumes: [{ Name: 'writable' }],
    ContainerDefinitions: [
      Match.objectLike({
        ReadonlyRootFilesystem: true,
        MountPoints: [{ ContainerPath: '/var/toolgate', ReadOnly: false, SourceVolume: 'writable' }],
        LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
        PortMappings: [{ ContainerPort: 8080, Protocol: 'tcp' }],
        StopTimeout: 60,
      }),
    ],
  });
});

test('a deployment that does not start is rolled back and never leaves fewer tasks', () => {
  const { template } = synthTemplate((stack) => service(stack));
  template.hasResourceProperties('AWS::ECS::Service', {
    DeploymentConfiguration: {
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      MinimumHealthyPercent: 100,
      MaximumPercent: 200,
    },
    DesiredCount: Match.absent(),
    NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
  });
  template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', { MinCapacity: 2, MaxCapacity: 10 });
});

test('one task on spare capacity is what a development platform runs', () => {
  const { template } = synthTemplate((stack) =>
    service(stack, { desiredCount: 1, maxCount: 1, spot: true }, Egress.publicSubnets()),
  );
  template.resourceCountIs('AWS::ApplicationAutoScaling::ScalableTarget', 0);
  template.hasResourceProperties('AWS::ECS::Service', {
    DesiredCount: 1,
    CapacityProviderStrategy: [{ CapacityProvider: 'FARGATE_SPOT', Weight: 1 }],
    NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'ENABLED' } },
  });
});

test('a secret reaches the container by its ARN only', () => {
  const { template } = synthTemplate((stack) => {
    const secret: secretsmanager.ISecret = secretsmanager.Secret.fromSecretNameV2(stack, 'Ledger', 'ledger');
    service(stack, { secrets: { LEDGER: ecs.Secret.fromSecretsManager(secret) } });
  });
  template.hasResourceProperties('AWS::ECS::TaskDefinition', {
    ContainerDefinitions: [
      Match.objectLike({ Environment: Match.absent(), Secrets: [Match.objectLike({ Name: 'LEDGER' })] }),
    ],
  });
});

test('a target is healthy by /healthz and keeps its calls while it leaves', () => {
  const { template } = synthTemplate((stack) => {
    service(stack).serveTargets(stack, 'Targets', 8080);
  });
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
    HealthCheckPath: '/healthz',
    Port: 8080,
    TargetType: 'ip',
    TargetGroupAttributes: Match.arrayWith([{ Key: 'deregistration_delay.timeout_seconds', Value: '30' }]),
  });
  template.hasResourceProperties('AWS::ECS::Service', { HealthCheckGracePeriodSeconds: 120 });
});

test('a service behind no load balancer has no time to get healthy, which ECS would refuse', () => {
  const { template } = synthTemplate((stack) => service(stack));
  template.hasResourceProperties('AWS::ECS::Service', { HealthCheckGracePeriodSeconds: Match.absent() });
});

test('nobody comes into a service that nothing was put in front of', () => {
  const { template } = synthTemplate((stack) => service(stack));
  template.hasResourceProperties('AWS::EC2::SecurityGroup', {
    GroupDescription: Match.stringLikeRegexp('^Tasks of one service'),
    SecurityGroupIngress: Match.absent(),
  });
  template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
});

test('the times of a graceful stop agree', () => {
  const { drain, deregistrationDelay, stopTimeout } = stopSeconds;
  assert.ok(drain < deregistrationDelay && deregistrationDelay < stopTimeout);
  assert.ok(stopTimeout - drain >= 30, 'half a minute is left to flush the audit record');
  assert.ok(stopTimeout <= 120, 'Fargate waits two minutes at most');
  for (const { DRAIN_TIMEOUT_MS } of [gatewayEnv, toolServerEnv]) {
    assert.equal(String(DRAIN_TIMEOUT_MS.fallback), drainTimeoutMs);
    assert.equal(DRAIN_TIMEOUT_MS.parse(drainTimeoutMs), drain * 1000);
  }
});

function service(stack: cdk.Stack, props: Partial<McpServiceProps> = {}, egress = Egress.nat()): McpService {
  const network = new PlatformNetwork(stack, 'Network', { egress });
  const cluster = new ecs.Cluster(stack, 'Cluster', { vpc: network.vpc, enableFargateCapacityProviders: true });
  return new McpService(stack, 'Billing', {
    cluster,
    network,
    image: ecs.ContainerImage.fromRegistry('billing'),
    environment: {},
    ...props,
  });
}
