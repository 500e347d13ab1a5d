import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const services = ['gateway', 'tools', 'authorization', 'registry', 'identity', 'approvals', 'radar'];
const sources = globSync('{bin,lib,runtime}/**/*.ts', { cwd: root }).map((file) => file.replaceAll('\\', '/'));

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const imports = sources.flatMap((file) => importsOf(file));

test('nothing imports from a higher floor', () => {
  const wrong = imports.filter(({ from, to, typeOnly }) => {
    const [own, other] = [floorOf(from), floorOf(to)];
    if (own === undefined || other === undefined) return false;
    // Constructs may name a service's environment, as a type: that joins both at compile time.
    if (from.startsWith('lib/') && to.endsWith('/env.ts')) return !typeOnly;
    return other > own;
  });
  assert.deepEqual(wrong, []);
});

test('contract imports nothing but itself', () => {
  const wrong = imports.filter(
    ({ from, to }) => from.startsWith('runtime/contract/') && !to.startsWith('runtime/contract/'),
  );
  assert.deepEqual(wrong, []);
});

test('services never import each other', () => {
  const serviceOf = (file: string) => services.find((service) => file.startsWith(`runtime/${service}/`));
  const wrong = imports.filter(({ from, to }) => {
    const [own, other] = [serviceOf(from), serviceOf(to)];
    return own !== undefined && other !== undefined && own !== other;
  });
  assert.deepEqual(wrong, []);
});

test('the function in Cognito imports nothing of the platform but the contract', () => {
  const wrong = imports.filter(
    ({ from, to }) => from.startsWith('runtime/identity/') && isOurs(to) && !/^runtime\/(contract|identity)\//.test(to),
  );
  assert.deepEqual(wrong, []);
});

test("only a service's deps.ts imports its clients, and clients import each other", () => {
  const wrong = imports.filter(({ from, to, typeOnly }) => {
    const clients = /^runtime\/[a-z]+\/clients\//.exec(to)?.[0];
    if (clients === undefined || typeOnly) return false;
    return !from.startsWith(clients) && from !== join(dirname(clients), 'deps.ts');
  });
  assert.deepEqual(wrong, []);
});

test('constructs load no server framework and services load no construct library', () => {
  const wrong = imports.filter(({ from, to }) => {
    if (from.startsWith('lib/'))
      return !to.startsWith('.') && !isOurs(to) && !/^(aws-cdk-lib|constructs|node:)/.test(to);
    return from.startsWith('runtime/') && /^(aws-cdk-lib|constructs)/.test(to);
  });
  assert.deepEqual(wrong, []);
});

test('only refusal-forms.ts knows the HTTP status of a refusal', () => {
  const wrong = sources.filter((file) => {
    if (!/^runtime\/(gateway|tools)\//.test(file)) return false;
    const text = readFileSync(join(root, file), 'utf8');
    return /\b(status|statusCode|code)\s*[:=(]\s*(401|403|410|429|502|503|504)\b/.test(text);
  });
  assert.deepEqual(wrong, []);
});

test('no file or folder has a name that says nothing', () => {
  const banned = /(^|[/.-])(utils?|helpers?|common|manager|handler|misc)([/.-]|$)/;
  assert.deepEqual(
    globSync('{bin,lib,runtime,scripts,test,policies,loadtest}/**/*.{ts,mjs,rego}', {
      cwd: root,
      exclude: ['**/node_modules/**'],
    }).filter((file) => banned.test(file)),
    [],
  );
});

test('a forbidden import would be seen', () => {
  assert.ok(imports.length > 20, 'the scan finds the imports there are');
  const floors = [
    'runtime/contract/json.ts',
    'runtime/shared/refusal.ts',
    'runtime/gateway/app.ts',
    'bin/toolgate.ts',
  ].map(floorOf);
  assert.deepEqual(floors, [0, 1, 2, 4]);
});

function floorOf(file: string): number | undefined {
  if (file.startsWith('runtime/contract/')) return 0;
  if (file.startsWith('lib/')) return 0.5;
  if (file.startsWith('runtime/shared/')) return 1;
  if (services.some((service) => file.startsWith(`runtime/${service}/`))) return 2;
  if (file.startsWith('runtime/local/')) return 3;
  if (file.startsWith('bin/')) return 4;
  return undefined;
}

function isOurs(path: string): boolean {
  return floorOf(path) !== undefined;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)) {
    found.push({ from: file, to: target(file, match[2] ?? ''), typeOnly: match[1] !== undefined });
  }
  for (const match of text.matchAll(/\bimport\('([^']+)'\)/g)) {
    found.push({ from: file, to: target(file, match[1] ?? ''), typeOnly: false });
  }
  return found;
}

function target(file: string, specifier: string): string {
  return specifier.startsWith('.') ? normalize(join(dirname(file), specifier)).replaceAll('\\', '/') : specifier;
}
