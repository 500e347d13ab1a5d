import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { PublicEdge } from '../../../lib/constructs/public-edge.ts';
import { alone, type EdgeWorld, edge, edgeFailure, routed } from '../make-edge.ts';

test('more than a load balancer holds is counted at synth', () => {
  const crowded = (count: number) => (made: PublicEdge, it: EdgeWorld) => {
    routed(made, it);
    const targetGroup = it.targetGroup('Many', 8080);
    for (let index = 0; index < count; index += 1) made.routePaths(`R${index}`, { paths: [`/p${index}`], targetGroup });
  };
  edge(alone, crowded(97));
  assert.match(
    edgeFailure(alone, crowded(98)),
    /101 rules, and a load balancer has at most 100: ask AWS for more and say so in rulesMax/,
  );
  edge(() => ({ rulesMax: 101 }), crowded(98));
});

test('certificates, target groups and condition values are counted too', () => {
  const certificates = edgeFailure(({ stack }) => ({
    additionalCertificates: Array.from({ length: 26 }, (_, index) =>
      acm.Certificate.fromCertificateArn(stack, `C${index}`, `arn:aws:acm:us-east-1:111122223333:certificate/${index}`),
    ),
  }));
  assert.match(
    certificates,
    /26 certificates beside the default ones, and a load balancer has at most 25: use one certificate/,
  );
  const groups = edgeFailure(
    () => ({ rulesMax: 500 }),
    (made, it) => {
      for (let index = 0; index <= 100; index += 1) {
        made.routePaths(`R${index}`, { paths: [`/p${index}`], targetGroup: it.targetGroup(`T${index}`, 8080) });
      }
    },
  );
  assert.match(groups, /101 target groups, and a load balancer has at most 100: this quota is fixed/);
  const values = edgeFailure(alone, (made, it) => {
    new elbv2.CfnListenerRule(it.stack, 'Wide', {
      listenerArn: made.listener.listenerArn,
      priority: 500,
      conditions: [{ field: 'path-pattern', pathPatternConfig: { values: ['/a', '/b', '/c', '/d', '/e', '/f'] } }],
      actions: [{ type: 'fixed-response', fixedResponseConfig: { statusCode: '404' } }],
    });
  });
  assert.match(values, /6 condition values in the rule Stack\/Wide, and a load balancer has at most 5: split it/);
});
