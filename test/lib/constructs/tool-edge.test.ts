import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import { McpService } from '../../../lib/constructs/mcp-service.ts';
import { PlatformNetwork } from '../../../lib/constructs/platform-network.ts';
import { stablePriority } from '../../../lib/constructs/stable-priority.ts';
import { ToolEdge, type ToolEdgeProps } from '../../../lib/constructs/tool-edge.ts';
import { ToolRouting } from '../../../lib/constructs/tool-routing.ts';
import { synthFailure, synthTemplate, testApp } from '../../support/synth.ts';

test('a server has a host of its own behind an internal load balancer that answers nothing else', () => {
  const { template } = synthTemplate((stack) => {
    const made = world(stack);
    addServer(made, 'billing');
    assert.equal(made.edge.serverUrl('billing'), 'http://billing.tools.prod.internal');
    assert.equal(made.edge.gatewayKeysUrl, 'http://gateway.tools.prod.internal:8081/.well-known/jwks.json');
    assert.equal(made.edge.registryKeysUrl, 'http://gateway.tools.prod.internal:8081/.well-known/registry-jwks.json');
    assert.equal(made.edge.authorizationKeysUrl, 'http://id.tools.prod.internal:8081/jwks');
  });
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', { Scheme: 'internal' });
  template.allResourcesProperties('AWS::ElasticLoadBalancingV2::Listener', {
    DefaultActions: [Match.objectLike({ Type: 'fixed-response' })],
    Protocol: 'HTTP',
  });
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', {
    Priority: stablePriority('billing', { min: 1, max: 49_999 }),
    Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: ['billing.tools.prod.internal'] } }],
  });
  template.hasResourceProperties('AWS::Route53::RecordSet', { Name: '*.tools.prod.internal.', Type: 'A' });
});

test('only the gateway, the registry and tool servers come to the internal load balancer, each to its port', () => {
  const { template } = synthTemplate((stack) => addOne(world(stack)));
  const ingress = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'));
  const into = (group: string) =>
    ingress
      .filter(({ Properties }) => JSON.stringify(Properties.GroupId).includes(group))
      .map(({ Properties }) => [Properties.FromPort, Properties.Description]);
  assert.deepEqual(into('EdgeLoadBalancerSecurityGroup').sort(), [
    [80, 'Calls of tools'],
    [8081, 'Keys of the authorization server'],
    [8081, 'Keys of the gateway'],
  ]);
  assert.deepEqual(into('billingServiceSecurityGroup'), [[8080, 'Load balancer to target']]);
});

test('what the load balancer serves of the platform itself is key sets', () => {
  const { template } = synthTemplate((stack) => {
    const made = world(stack);
    made.edge.addGateway(service(stack, 'Gateway', made));
    made.edge.addAuthorizationServer(service(stack, 'Authorization', made));
  });
  for (const [host, ...paths] of [
    ['gateway', '/.well-known/jwks.json', '/.well-known/registry-jwks.json'],
    ['id', '/jwks'],
  ]) {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', {
      Conditions: [
        { Field: 'host-header', HostHeaderConfig: { Values: [`${host}.tools.prod.internal`] } },
        { Field: 'path-pattern', PathPatternConfig: { Values: paths } },
      ],
    });
  }
});

test('with discovery there is no load balancer, and the tasks themselves are the addresses', () => {
  const { template } = synthTemplate((stack) => {
    const made = world(stack, { routing: ToolRouting.discovery() });
    made.edge.addGateway(service(stack, 'Gateway', made));
    addServer(made, 'billing');
    assert.equal(made.edge.serverUrl('billing'), 'http://billing.tools.prod.internal:8080');
    assert.equal(made.edge.gatewayKeysUrl, 'http://gateway.tools.prod.internal:8080/.well-known/jwks.json');
  });
  template.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 0);
  for (const Name of ['gateway', 'billing']) {
    template.hasResourceProperties('AWS::ServiceDiscovery::Service', {
      Name,
      DnsConfig: Match.objectLike({ DnsRecords: [{ TTL: 10, Type: 'A' }] }),
    });
  }
  template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 2);
});

test('a server in another stack brings its rule and its security group rules into its own stack', () => {
  const alone = synthTemplate((stack) => void world(stack)).template;
  const app = testApp();
  const platform = new cdk.Stack(app, 'Stack');
  const made = world(platform);
  const tenant = new cdk.Stack(app, 'Tenant');
  addServer(made, 'billing', tenant);
  assert.deepEqual(logicalIds(Template.fromStack(platform)), logicalIds(alone));
  Template.fromStack(tenant).resourceCountIs('AWS::ElasticLoadBalancingV2::ListenerRule', 1);
});

test('a priority is a function of the name, and two equal ones are refused with both paths', () => {
  assert.equal(stablePriority('billing', { min: 1, max: 49_999 }), 46_859, 'as it is deployed');
  assert.throws(
    () =>
      synthTemplate((stack) => {
        const made = world(stack);
        addServer(made, 'billing', stack, 7);
        addServer(made, 'orders', stack, 7);
      }),
    /Stack\/orders: The listener rule priority 7 belongs to Stack\/billing already: set listenerPriority/,
  );
});

test('a priority that no rule can have is refused', () => {
  for (const priority of [0, 50_000, 1.5]) {
    assert.throws(
      () =>
        synthTemplate((stack) => {
          const made = world(stack);
          addServer(made, 'billing', stack, priority);
        }),
      new RegExp(`Stack/billing: listenerPriority is ${priority}: give a whole number from 1 to 49999`),
    );
  }
});

test('one server name is taken once, in all stacks of an app', () => {
  assert.throws(
    () =>
      synthTemplate((stack) => {
        const made = world(stack);
        addServer(made, 'billing', new Construct(stack, 'One'));
        addServer(made, 'billing', new Construct(stack, 'Two'));
      }),
    /Stack\/Two\/billing: The server name billing belongs to Stack\/One\/billing already: give one of the two another name/,
  );
});

test('another stage, account or region has servers of its own, also of the same name', () => {
  const app = testApp();
  for (const id of ['Beta', 'Prod']) {
    const stage = new cdk.Stage(app, id);
    addServer(world(new cdk.Stack(stage, 'Stack')), 'billing');
  }
  for (const region of ['us-east-1', 'eu-west-1']) {
    addServer(world(new cdk.Stack(app, region, { env: { account: '111122223333', region } })), 'billing');
  }
});

test('a domain, a platform or a number of rules that cannot be is refused', () => {
  const failure = (props: Partial<ToolEdgeProps>) => synthFailure((stack) => void world(stack, props));
  assert.match(failure({ domainName: 'Tools Internal' }), /domainName is "Tools Internal": give a host name in lower/);
  assert.match(failure({ platformName: undefined as never }), /platformName is undefined: give a literal/);
  assert.match(failure({ rulesMax: 200 }), /rulesMax is 200: give a whole number from 1 to 100/);
});

test('a server for which the load balancer has no rule left is refused with what to do', () => {
  assert.throws(
    () =>
      synthTemplate((stack) => {
        const made = world(stack, { rulesMax: 4 });
        for (const name of ['one', 'two', 'three']) addServer(made, name);
      }),
    /Stack\/three: is tool server 3 of the platform prod, whose internal load balancer has room for 2: open a second platform/,
  );
});

test('the load balancer waits longer than the gateway and less long than a tool server keeps an idle connection', () => {
  const { template } = synthTemplate((stack) => void world(stack));
  const [loadBalancer] = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::LoadBalancer'));
  const attributes: { Key: string; Value: string }[] = loadBalancer?.Properties.LoadBalancerAttributes;
  const idle = Number(attributes.find(({ Key }) => Key === 'idle_timeout.timeout_seconds')?.Value);
  assert.ok(idle > 60 && idle < 75);
});

interface World {
  readonly network: PlatformNetwork;
  readonly edge: ToolEdge;
  readonly cluster: ecs.ICluster;
}

function world(stack: cdk.Stack, props: Partial<ToolEdgeProps> = {}): World {
  const network = new PlatformNetwork(stack, 'Network');
  return {
    network,
    edge: new ToolEdge(stack, 'Edge', { platformName: 'prod', vpc: network.vpc, ...props }),
    cluster: new ecs.Cluster(stack, 'Cluster', { vpc: network.vpc, enableFargateCapacityProviders: true }),
  };
}

function service(scope: Construct, id: string, { cluster, network }: World): McpService {
  return new McpService(scope, id, { cluster, network, image: ecs.ContainerImage.fromRegistry('x'), environment: {} });
}

function addServer(made: World, name: string, at?: Construct, listenerPriority?: number): void {
  const scope = new Construct(at ?? cdk.Stack.of(made.edge), name);
  made.edge.addServer(scope, { name, service: service(scope, 'Service', made), listenerPriority });
}

function addOne(made: World): void {
  addServer(made, 'billing');
}

function logicalIds(template: Template): string[] {
  return Object.keys(template.toJSON().Resources).sort();
}
