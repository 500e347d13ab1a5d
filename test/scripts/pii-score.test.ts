import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generateCorpus } from '../../scripts/pii-corpus.ts';
import { floorViolations, parseCorpus, scoreCorpus } from '../../scripts/pii-scoring.ts';

const script = fileURLToPath(new URL('../../scripts/pii-score.ts', import.meta.url));
const publicCorpus = fileURLToPath(new URL('../../../shared/data/pii/synth_dataset_v2.json', import.meta.url));

test('the generated corpus is the same every time, and its spans are where they say', () => {
  assert.deepEqual(generateCorpus(), generateCorpus());
  assert.notDeepEqual(generateCorpus(1, 1), generateCorpus(2, 1));
  for (const { full_text: text, spans } of generateCorpus()) {
    for (const span of spans) {
      assert.equal([...text].slice(span.start_position, span.end_position).join(''), span.entity_value);
    }
  }
});

test('the redactor holds its floors on the generated corpus', () => {
  const score = scoreCorpus(generateCorpus());
  assert.deepEqual(floorViolations(score), []);
  assert.ok(
    score.entities.every(({ gold, recall }) => gold === 0 || (recall ?? 0) >= 0.9),
    JSON.stringify(score.entities),
  );
});

test('the redactor holds its floors on the public corpus and beats pattern-only Presidio', (t) => {
  if (!existsSync(publicCorpus)) return t.skip('synth_dataset_v2.json is not beside this repository');
  const score = scoreCorpus(parseCorpus(readFileSync(publicCorpus, 'utf8')));
  assert.deepEqual(floorViolations(score), []);
  for (const { type, recall, presidioRecall } of score.entities) {
    if (presidioRecall !== undefined) assert.ok((recall ?? 0) >= presidioRecall, `${type}: ${recall}`);
  }
});

test('a redactor that finds nothing, or everything, would be below the floors', () => {
  const missed = scoreCorpus([{ full_text: 'nothing here', spans: [span('EMAIL_ADDRESS', 0, 7)] }]);
  assert.equal(missed.entities[0]?.recall, 0);
  assert.ok(floorViolations(missed).some((sentence) => sentence.startsWith('recall of EMAIL_ADDRESS is 0.000')));
  const excess = scoreCorpus([{ full_text: 'ann@example.com', spans: [] }]);
  assert.equal(excess.cleanAltered, 1);
  assert.ok(floorViolations(excess).some((sentence) => sentence.startsWith('1 of 1 clean texts')));
});

test('offsets of a corpus count code points', () => {
  const score = scoreCorpus([{ full_text: '😀😀 ann@example.com', spans: [span('EMAIL_ADDRESS', 3, 18)] }]);
  assert.equal(score.entities[0]?.recall, 1);
});

test('the command prints figures, writes them as JSON, and says in one sentence what is wrong', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-pii-'));
  try {
    const corpus = join(folder, 'corpus.json');
    const figures = join(folder, 'figures.json');
    writeFileSync(corpus, JSON.stringify([{ full_text: 'ann@example.com', spans: [span('EMAIL_ADDRESS', 0, 15)] }]));
    const good = await run('--corpus', corpus, '--json', figures);
    assert.equal(good.code, 0);
    assert.match(good.out, /EMAIL_ADDRESS +1 +1\.000 +1\.000 +- +-/);
    assert.equal(JSON.parse(readFileSync(figures, 'utf8')).entities[0].recall, 1);

    writeFileSync(corpus, JSON.stringify([{ full_text: 'nobody', spans: [span('EMAIL_ADDRESS', 0, 6)] }]));
    const low = await run('--corpus', corpus);
    assert.deepEqual([low.code, low.err], [1, 'below the floor: recall of EMAIL_ADDRESS is 0.000, floor 1\n']);

    const rows: readonly (readonly [string, RegExp])[] = [
      ['{', /is not a corpus: it is not JSON\n$/],
      ['{}', /is not a corpus: it is not a list of samples\n$/],
      ['[{"text":"x"}]', /is not a corpus: sample 0 lacks full_text or spans\n$/],
      ['[{"full_text":"x","spans":[{}]}]', /is not a corpus: sample 0 has a span without entity_type/],
    ];
    for (const [text, sentence] of rows) {
      writeFileSync(corpus, text);
      const bad = await run('--corpus', corpus);
      assert.equal(bad.code, 2);
      assert.match(bad.err, sentence);
    }
    const missing = await run('--corpus', join(folder, 'none.json'));
    assert.deepEqual([missing.code, missing.err], [2, `there is no file ${join(folder, 'none.json')}\n`]);
    assert.equal((await run('--colour')).code, 2);
    assert.match((await run('--help')).out, /^usage: npm run pii:score/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function span(entity_type: string, start_position: number, end_position: number) {
  return { entity_type, entity_value: '', start_position, end_position };
}

function run(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}
