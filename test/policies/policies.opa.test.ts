import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { onlyResult } from '../../runtime/shared/policy-answer.ts';
import { buildArguments, entrypoints, findOpa, findRegal, root, run } from '../../scripts/policy-opa.mjs';
import { mutate, seededRandom } from './mutate.ts';
import { createEvaluator, readVectors, revision, type Vector } from './samples.ts';

// The first time this builds opa and Regal themselves, which takes a minute or two.
const opa = findOpa();
const regal = findRegal();
const capabilities = '--capabilities=policies/capabilities.json';

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-opa-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('every test of the policies passes, and they cover at least 95 % of them', () => {
  const report = JSON.parse(
    run(opa, ['test', '--coverage', '--threshold=95', '--fail-on-empty', 'policies/mcp', 'policies/data']),
  );
  assert.ok(report.coverage >= 95, `${report.coverage} %`);
});

test('every policy is formatted as opa formats', () => {
  assert.equal(run(opa, ['fmt', '--list', 'policies/mcp']), '');
});

test('every policy is strict and fits the schema of its input', () => {
  run(opa, [
    'check',
    '--strict',
    '--ignore=*_test.rego',
    capabilities,
    '--schema=policies/schemas/input.json',
    'policies/mcp',
  ]);
  run(opa, ['check', '--strict', 'policies/mcp', 'policies/data']);
});

test('a misspelt field of the input would be seen', (t) => {
  const folder = scratch(t);
  const file = join(folder, 'misspelt.rego');
  writeFileSync(file, 'package misspelt\n\nx if input.caller.role == "reader"\n');
  const check = ['check', '--strict', '--schema=policies/schemas/input.json', file];
  assert.throws(() => run(opa, check), /undefined ref: input\.caller\.role/);
});

test('what is committed is what the sources build, byte by byte', () => {
  const verify = spawnSync(process.execPath, [join(root, 'scripts/policy-build.mjs'), '--verify'], {
    encoding: 'utf8',
  });
  assert.equal(verify.status, 0, verify.stderr);
});

for (const [name, call] of [
  ['sprintf', 'sprintf("%d", [input.x])'],
  ['regex.split', 'regex.split("a", input.x)'],
  ['http.send', 'http.send({"method": "get", "url": input.x})'],
  ['time.now_ns', 'time.now_ns()'],
  ['io.jwt.decode', 'io.jwt.decode(input.x)'],
  ['opa.runtime', 'opa.runtime()'],
] as const) {
  test(`a policy that calls ${name} does not build`, (t) => {
    const folder = scratch(t);
    cpSync(join(root, 'policies'), join(folder, 'policies'), { recursive: true });
    const args = [...buildArguments, `--output=${join(folder, 'bundle.tar.gz')}`];
    run(opa, args, { cwd: folder });
    const bad = `package mcp.lib.masks\n\n_bad := ${call}\n`;
    writeFileSync(join(folder, 'policies/mcp/lib/masks/bad.rego'), bad);
    assert.throws(() => run(opa, args, { cwd: folder }), /undefined function/);
    // It is our list of capabilities that stops it: opa by itself would build it.
    run(
      opa,
      args.filter((argument) => argument !== capabilities),
      { cwd: folder },
    );
  });
}

test('opa itself and the Wasm answer every vector and 3,000 mutations of them the same', async (t) => {
  const folder = scratch(t);
  const vectors = readVectors();
  const random = seededRandom(20_261_121);
  const questions = [
    ...vectors,
    ...Array.from({ length: 3_000 }, (_, i) => {
      const { entrypoint, input } = vectors[i % vectors.length] as Vector;
      return { entrypoint, input: mutate(input, random) };
    }),
  ];
  writeFileSync(join(folder, 'questions.json'), JSON.stringify({ questions }));
  writeFileSync(join(folder, 'parity.rego'), parityPolicy());
  const native = JSON.parse(
    run(opa, [
      'eval',
      '--format=raw',
      '-d',
      'policies/mcp',
      '-d',
      'policies/data',
      '-d',
      folder,
      'data.parity.answers',
    ]),
  ) as Record<string, unknown>;
  const evaluator = await createEvaluator();
  let allowed = 0;
  for (const [index, { entrypoint, input }] of questions.entries()) {
    const wasm = onlyResult(evaluator.evaluate(input, entrypoint));
    const expected = native[index];
    if (Array.isArray(wasm)) assert.deepEqual(wasm.toSorted(), expected, JSON.stringify(input));
    else assert.deepEqual(wasm, expected, JSON.stringify(input));
    if ((wasm as { allow?: boolean }).allow === true) allowed += 1;
  }
  assert.ok(allowed > 100 && allowed < questions.length / 2, `${allowed} of ${questions.length} allowed`);
});

test('Regal finds nothing in any policy or test of one', () => {
  const files = globSync('policies/**/*.rego', { cwd: root }).length;
  assert.match(run(regal, ['lint', 'policies']), new RegExp(`^${files} files linted\\. No violations found\\.`));
});

for (const [what, rule, rego] of [
  ['a misspelt name of the data', 'unresolved-reference', '_x := data.base.row_max'],
  ['a "with" outside of a test', 'with-outside-test-context', '_x if is_within_limit with input as {}'],
  [
    'a function that takes its facts from everywhere',
    'external-reference',
    '_f(x) if x in {input.a, input.b, input.c}',
  ],
] as const) {
  test(`Regal finds ${what}`, (t) => {
    const folder = scratch(t);
    cpSync(join(root, 'policies'), join(folder, 'policies'), { recursive: true });
    writeFileSync(join(folder, 'policies/mcp/lib/payload/bad.rego'), `package mcp.lib.payload\n\n${rego}\n`);
    const lint = spawnSync(regal, ['lint', '--format=json', 'policies'], { cwd: folder, encoding: 'utf8' });
    const { violations } = JSON.parse(lint.stdout) as { violations: { title: string; location: { file: string } }[] };
    assert.deepEqual(
      [...new Set(violations.map(({ title, location }) => `${location.file}: ${title}`))],
      [`policies/mcp/lib/payload/bad.rego: ${rule}`],
    );
    assert.equal(lint.status, 3);
  });
}

test('every name of the data that Regal is told of is there', () => {
  const config = readFileSync(join(root, 'policies/.regal/config.yaml'), 'utf8');
  const names = [...config.matchAll(/^ +- data\.(\S+)$/gm)].map((match) => match[1] as string);
  assert.ok(names.length > 5, `${names.length} names found`);
  // The client sets the revision when it loads a bundle.
  const data: unknown = Object.assign(
    { revision },
    ...['base', 'tenants'].map((name) => JSON.parse(readFileSync(join(root, `policies/data/${name}.json`), 'utf8'))),
  );
  const inData = (name: string) =>
    name.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], data);
  assert.deepEqual(
    names.filter((name) => inData(name) === undefined),
    [],
  );
});

function parityPolicy(): string {
  const rule = (entrypoint: string) => `
answers[sprintf("%d", [i])] := answer if {
	some i, question in data.questions
	question.entrypoint == "${entrypoint}"
	answer := data.${entrypoint.replaceAll('/', '.')} with input as question.input with data.revision as "${revision}"
}
`;
  return `package parity\n${entrypoints.map(rule).join('')}`;
}
