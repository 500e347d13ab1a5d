import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A listener of an Application Load Balancer, as it was deployed. */
export interface BalancerListener {
  /** Local port that plays the listener's. */
  readonly localPort: number;
  /** PEM of certificate and key; undefined for plain HTTP. */
  readonly certificate?: string;
  /** PEM of the CAs whose certificates clients must show (mTLS VERIFY). */
  readonly clientAuthorities?: string;
  /** In the order of their priorities; the last one is the default, without conditions. */
  readonly rules: readonly BalancerRule[];
}

export interface BalancerRule {
  readonly conditions: readonly BalancerCondition[];
  readonly action: BalancerAction;
}

/** Elastic Load Balancing API, `RuleCondition`: any of the values must match, every condition of a rule must hold. */
export type BalancerCondition =
  | { readonly field: 'host-header' | 'path-pattern' | 'http-request-method'; readonly values: readonly string[] }
  | { readonly field: 'http-header'; readonly name: string; readonly values: readonly string[] };

export type BalancerAction =
  | { readonly type: 'forward'; readonly addresses: readonly string[]; readonly jwtKey?: string }
  | { readonly type: 'fixed-response'; readonly status: number; readonly contentType: string; readonly body: string }
  | { readonly type: 'redirect'; readonly status: number };

/** HAProxy with the rules of an Application Load Balancer. */
export interface LoadBalancer {
  close(): Promise<void>;
}

export async function startLoadBalancer(listeners: readonly BalancerListener[]): Promise<LoadBalancer> {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-balancer-'));
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, configOf(listeners, folder));
  const child = spawn('haproxy', ['-db', '-q', '-f', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said = (said + chunk).slice(-4000);
    });
  }
  const exited = once(child, 'exit');
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const { localPort } of listeners) await waitForPort(localPort, () => child.exitCode !== null);
  } catch (cause) {
    await close();
    throw new Error(`HAProxy did not start: ${said}`, { cause });
  }
  return { close };
}

function configOf(listeners: readonly BalancerListener[], folder: string): string {
  const backends: string[] = [];
  const frontends = listeners.map((listener, index) => {
    const rules = listener.rules.map((rule, number) => ({ ...rule, name: `l${index}r${number}` }));
    for (const { name, action } of rules)
      if (action.type === 'forward') backends.push(backendOf(name, action.addresses));
    return [
      `frontend l${index}`,
      `  bind 127.0.0.1:${listener.localPort}${tlsOf(listener, index, folder)}`,
      '  option forwardfor',
      `  http-request set-header X-Forwarded-Proto ${listener.certificate === undefined ? 'http' : 'https'}`,
      ...(listener.clientAuthorities === undefined ? [] : certificateHeaders),
      ...rules.flatMap(({ name, conditions }) => choose(name, conditions)),
      ...rules.flatMap(({ name, action }) => answer(name, action, folder)),
      '  use_backend %[var(txn.rule)]',
    ].join('\n');
  });
  return `${[defaults, ...frontends, ...backends].join('\n\n')}\n`;
}

const defaults = `global
  tune.ssl.default-dh-param 2048
defaults
  mode http
  timeout connect 3s
  timeout client 900s
  timeout server 900s
  timeout http-request 30s`;

/** ALB mTLS verify mode sets these over whatever the client sent (Elastic Load Balancing, "Mutual authentication with TLS"). */
const certificateHeaders = [
  '  http-request set-header X-Amzn-Mtls-Clientcert-Serial-Number %[ssl_c_serial,hex]',
  '  http-request set-header X-Amzn-Mtls-Clientcert-Subject %[ssl_c_s_dn]',
  '  http-request set-header X-Amzn-Mtls-Clientcert-Issuer %[ssl_c_i_dn]',
  '  http-request set-header X-Amzn-Mtls-Clientcert-Leaf "-----BEGIN%%20CERTIFICATE-----%%0A%[ssl_c_der,base64,url_enc]%%0A-----END%%20CERTIFICATE-----%%0A"',
];

function tlsOf({ certificate, clientAuthorities }: BalancerListener, index: number, folder: string): string {
  if (certificate === undefined) return '';
  const file = join(folder, `l${index}.pem`);
  writeFileSync(file, certificate, { mode: 0o600 });
  if (clientAuthorities === undefined) return ` ssl crt ${file} ssl-min-ver TLSv1.2`;
  const authorities = join(folder, `l${index}-ca.pem`);
  writeFileSync(authorities, clientAuthorities);
  return ` ssl crt ${file} ssl-min-ver TLSv1.2 verify required ca-file ${authorities}`;
}

/** The first rule whose conditions hold is the one. */
function choose(name: string, conditions: readonly BalancerCondition[]): string[] {
  const holds = conditions.map((condition) => `{ ${testOf(condition)} }`);
  return [`  http-request set-var(txn.rule) str(${name}) if !{ var(txn.rule) -m found } ${holds.join(' ')}`.trimEnd()];
}

function testOf(condition: BalancerCondition): string {
  const patterns = condition.values.map(wildcard).join(' ');
  switch (condition.field) {
    case 'host-header':
      return `req.hdr(host),field(1,:) -m reg -i ${patterns}`;
    case 'path-pattern':
      return `path -m reg ${patterns}`;
    case 'http-request-method':
      return `method ${condition.values.join(' ')}`;
    case 'http-header':
      return `req.hdr(${condition.name}) -m reg -i ${patterns}`;
  }
}

/** `*` any characters, `?` one; in quotes, because a blank may be in it. */
function wildcard(pattern: string): string {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return `'^${source}$'`;
}

function answer(name: string, action: BalancerAction, folder: string): string[] {
  const isThis = `{ var(txn.rule) -m str ${name} }`;
  if (action.type === 'redirect') return [`  http-request redirect scheme https code ${action.status} if ${isThis}`];
  if (action.type === 'fixed-response') {
    return [
      `  http-request return status ${action.status} content-type '${action.contentType}' string '${action.body}' if ${isThis}`,
    ];
  }
  if (action.jwtKey === undefined) return [];
  const key = join(folder, `${name}-jwt.pem`);
  writeFileSync(key, action.jwtKey);
  // The load balancer's no is a bare 401.
  return [
    `  http-request return status 401 if ${isThis} !{ http_auth_bearer,jwt_header_query('$.alg') -m str RS256 }`,
    `  http-request return status 401 if ${isThis} !{ http_auth_bearer,jwt_verify('RS256','${key}') 1 }`,
  ];
}

function backendOf(name: string, addresses: readonly string[]): string {
  return [`backend ${name}`, ...addresses.map((address, index) => `  server t${index} ${address}`)].join('\n');
}

async function waitForPort(port: number, hasExited: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline && !hasExited()) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await delay(20);
  }
  throw new Error(`nothing listens on port ${port}`);
}
