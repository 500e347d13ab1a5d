import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { onlyResult } from '../../runtime/shared/policy-answer.ts';
import { buildArguments, findOpa, root, run } from '../../scripts/policy-opa.mjs';
import { mutate, seededRandom } from './mutate.ts';
import { createEvaluator, readVectors, revision, type Vector } from './samples.ts';

// The first time this builds opa itself, which takes a minute or two.
const opa = findOpa();
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

// Regal is no module that every proxy serves, so it is used where it is installed.
const regal = spawnSync('regal', ['version'], { encoding: 'utf8' });
test(
  'Regal finds nothing',
  { skip: regal.status === 0 ? false : 'regal is not on the PATH' },
  () => void run('regal', ['lint', 'policies/mcp']),
);

function parityPolicy(): string {
  const rule = (entrypoint: string) => `
answers[sprintf("%d", [i])] := answer if {
	some i, question in data.questions
	question.entrypoint == "${entrypoint}"
	answer := data.${entrypoint.replaceAll('/', '.')} with input as question.input with data.revision as "${revision}"
}
`;
  return `package parity\n${['mcp/authz/decision', 'mcp/authz/visible', 'mcp/quota/decision'].map(rule).join('')}`;
}
