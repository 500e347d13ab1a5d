import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { JwtClaimFormat, JwtValidation } from '../../../lib/constructs/jwt-validation.ts';
import type { PublicEdge } from '../../../lib/constructs/public-edge.ts';
import { alone, type EdgeWorld, edge, edgeFailure, edgeRules, routed } from '../make-edge.ts';

test('the gateway and the authorization server are told apart by host, and operation is closed to both', () => {
  assert.deepEqual(edgeRules(edge(alone, routed)), [
    { priority: 10, port: 443, paths: ['/metrics', '/readyz'], actions: ['fixed-response'] },
    { priority: 41_000, port: 443, hosts: ['mcp.example.com'], actions: ['forward'], target: 'Gateway' },
    { priority: 42_000, port: 443, hosts: ['id.example.com'], actions: ['forward'], target: 'Authorization' },
  ]);
});

test('a host that nobody routed is answered by the load balancer itself', () => {
  edge().hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
    Port: 443,
    DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: Match.objectLike({ StatusCode: '404' }) }],
  });
});

test('bearer tokens of an issuer are verified before they reach the gateway, discovery and calls without one are not', () => {
  const template = edge(() => ({ jwtValidation: JwtValidation.ofAuthorizationServer() }), routed);
  assert.deepEqual(
    edgeRules(template).map(({ paths, hosts, header, actions }) => ({ paths, hosts, header, actions })),
    [
      { paths: ['/metrics', '/readyz'], hosts: undefined, header: undefined, actions: ['fixed-response'] },
      {
        paths: ['/.well-known/*', '/healthz', '/servers/*/mcp/server-card'],
        hosts: ['mcp.example.com'],
        header: undefined,
        actions: ['forward'],
      },
      {
        paths: undefined,
        hosts: ['mcp.example.com'],
        header: { HttpHeaderName: 'Authorization', Values: ['Bearer *'] },
        actions: ['jwt-validation', 'forward'],
      },
      { paths: undefined, hosts: ['mcp.example.com'], header: undefined, actions: ['forward'] },
      { paths: undefined, hosts: ['id.example.com'], header: undefined, actions: ['forward'] },
    ],
  );
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', {
    Actions: [
      {
        Type: 'jwt-validation',
        Order: 1,
        JwtValidationConfig: { Issuer: 'https://id.example.com', JwksEndpoint: 'https://id.example.com/jwks' },
      },
      Match.objectLike({ Type: 'forward', Order: 2 }),
    ],
  });
});

test('the load balancer may fetch the keys of the issuer', () => {
  edge(() => ({ jwtValidation: JwtValidation.ofAuthorizationServer() })).hasResourceProperties(
    'AWS::EC2::SecurityGroup',
    {
      SecurityGroupEgress: [Match.objectLike({ CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443 })],
    },
  );
});

test('claims that every token must have are asked for in the form that they have', () => {
  const jwtValidation = JwtValidation.ofIssuer({
    issuer: 'https://issuer.example.org',
    jwksUri: 'https://issuer.example.org/keys',
    claims: [
      { name: 'tenant', values: ['acme'] },
      { name: 'scope', values: ['billing:read'], format: JwtClaimFormat.SPACE_SEPARATED },
    ],
  });
  edge(() => ({ jwtValidation }), routed).hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', {
    Actions: Match.arrayWith([
      Match.objectLike({
        JwtValidationConfig: {
          Issuer: 'https://issuer.example.org',
          JwksEndpoint: 'https://issuer.example.org/keys',
          AdditionalClaims: [
            { Format: 'single-string', Name: 'tenant', Values: ['acme'] },
            { Format: 'space-separated-values', Name: 'scope', Values: ['billing:read'] },
          ],
        },
      }),
    ]),
  });
});

test('an issuer that a load balancer cannot work with is refused', () => {
  const issuer = 'https://issuer.example.org';
  const of = (settings: object) => () => ({
    jwtValidation: JwtValidation.ofIssuer({ issuer, jwksUri: issuer, ...settings }),
  });
  const claim = { name: 'tenant', values: ['acme'] };
  assert.match(
    edgeFailure(of({ jwksUri: 'http://issuer.example.org' })),
    /jwtValidation\.jwksUri is "http:.*give an https URL/,
  );
  assert.match(edgeFailure(of({ claims: Array(11).fill(claim) })), /has 11 claims: a load balancer checks at most 10/);
  assert.match(edgeFailure(of({ claims: [{ ...claim, values: [] }] })), /0 values for the claim tenant: give 1 to 10/);
});

test('another service takes paths before the gateway and the check of tokens', () => {
  const template = edge(
    () => ({ jwtValidation: JwtValidation.ofAuthorizationServer() }),
    (made, it) => {
      routed(made, it);
      made.routePaths('Registry', { paths: ['/registry/*', '/api/*'], targetGroup: it.targetGroup('Registry', 8080) });
    },
  );
  const order = edgeRules(template).map(({ target, actions }) => target ?? actions[0]);
  assert.deepEqual(order, ['fixed-response', 'Gateway', 'Registry', 'Gateway', 'Gateway', 'Authorization']);
});

test('people who answer come before every other path, and a route is where its id says, whatever else is routed', () => {
  const rules = (...ids: string[]) =>
    edgeRules(
      edge(alone, (made, it) => {
        for (const id of ids) {
          if (id === 'Approvals') made.routeApprovals(it.targetGroup(id, 8080), ['/approvals', '/approvals/*']);
          else made.routePaths(id, { paths: [`/${id}/*`], targetGroup: it.targetGroup(id, 8080) });
        }
      }),
    ).flatMap(({ target, priority }) => (target === undefined ? [] : [[target, priority]]));
  const all = rules('Approvals', 'Registry', 'Reports');
  assert.deepEqual(all[0], ['Approvals', 1000]);
  assert.ok(all.slice(1).every(([, priority]) => Number(priority) >= 2000 && Number(priority) <= 39_999));
  assert.deepEqual(rules('Reports', 'Registry', 'Approvals'), all);
  for (const gone of ['Approvals', 'Registry', 'Reports']) {
    const left = all.filter(([target]) => target !== gone);
    assert.deepEqual(rules(...left.map(([target]) => String(target))), left, `without ${gone}`);
  }
});

test('two routes that both fit are asked in the order of the priorities that they are given', () => {
  const of =
    (...priorities: number[]) =>
    (made: PublicEdge, it: EdgeWorld) => {
      for (const [index, listenerPriority] of priorities.entries()) {
        const targetGroup = it.targetGroup(`T${index}`, 1);
        made.routePaths(`R${index}`, { paths: [`/${index}`], targetGroup, listenerPriority });
      }
    };
  const order = edgeRules(edge(alone, of(39_999, 2000))).map(({ target }) => target);
  assert.deepEqual(order, [undefined, 'T1', 'T0']);
  assert.match(
    edgeFailure(alone, of(2000, 2000)),
    /^Stack\/Edge: the routes R0 and R1 both have the listener rule priority 2000: set listenerPriority of one of the two, from 2000 to 39999$/,
  );
  for (const wrong of [1999, 40_000, 2000.5, Number.NaN]) {
    assert.match(
      edgeFailure(alone, of(wrong)),
      new RegExp(`listenerPriority of the route R0 is ${wrong}: give a whole number from 2000 to 39999$`),
    );
  }
});

test('an edge has one service where people answer, and its paths are no other route’s', () => {
  const twice = edgeFailure(alone, (made, it) => {
    for (const id of ['A', 'B']) made.routeApprovals(it.targetGroup(id, 1), [`/${id}`]);
  });
  assert.match(twice, /approvals are routed already: an edge has one such service$/);
  const taken = edgeFailure(alone, (made, it) => {
    made.routePaths('Mine', { paths: ['/answers'], targetGroup: it.targetGroup('A', 1) });
    made.routeApprovals(it.targetGroup('B', 1), ['/answers']);
  });
  assert.match(taken, /path \/answers of mcp\.example\.com is routed twice: take it out of the route Approvals/);
});

test('a route that could take what people and Slack are answered by, or be passed over for them, is refused', () => {
  const of = (path: string, host?: string) => (made: PublicEdge, it: EdgeWorld) =>
    made.routePaths('Mine', { paths: ['/mine/*', path], targetGroup: it.targetGroup('T', 1), ...(host && { host }) });
  const theirs = {
    '/approvals': '/approvals',
    '/approval?': '/approvals',
    '/approvals*': '/approvals',
    '/*': '/approvals',
    '/approvals/export': '/approvals/*',
    '/*/export': '/approvals/*',
    '/slack/interactions': '/slack/*',
    '/sl?ck/*/more': '/slack/*',
  };
  for (const [path, own] of Object.entries(theirs)) {
    assert.equal(
      edgeFailure(alone, of(path)),
      `Stack/Edge: the route Mine has the path "${path}", and the platform itself answers ${own} of mcp.example.com: give a path that cannot be one of those, or another host`,
    );
    edge(alone, of(path, 'id.example.com'));
  }
  for (const path of ['/approvals-export', '/approval', '/slack', '/slacks/*', '/my/approvals', '/APPROVALS', '/m*']) {
    edge(alone, of(path));
  }
});

test('a route with the id of another one is refused as that, whatever its priority', () => {
  for (const listenerPriority of [undefined, 2001]) {
    const twice = edgeFailure(alone, (made, it) => {
      made.routePaths('Mine', { paths: ['/mine/*'], targetGroup: it.targetGroup('A', 1) });
      const other = { paths: ['/other/*'], targetGroup: it.targetGroup('B', 1) };
      made.routePaths('Mine', { ...other, ...(listenerPriority !== undefined && { listenerPriority }) });
    });
    assert.equal(twice, 'Stack/Edge: there is a route Mine already: give this one another id');
  }
});

test('a route that does not fit into a rule is refused', () => {
  const of = (...paths: string[]) =>
    edgeFailure(alone, (made, it) => made.routePaths('R', { paths, targetGroup: it.targetGroup('T', 1) }));
  assert.match(of(), /route R has 0 paths: give 1 to 4/);
  assert.match(of('/a', '/b', '/c', '/d', '/e'), /route R has 5 paths: give 1 to 4, or add a second route/);
  assert.match(of('/*/*/*/*/*/*'), /route R has 6 wildcards: a rule has at most 5/);
  assert.match(of('a'), /path "a": give one that begins with \//);
  const twice = edgeFailure(alone, (made, it) => {
    for (const id of ['A', 'B']) made.routePaths(id, { paths: ['/api/*'], targetGroup: it.targetGroup(`T${id}`, 1) });
  });
  assert.match(twice, /path \/api\/\* of mcp\.example\.com is routed twice/);
});
