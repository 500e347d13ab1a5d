// npm run pii:score -- [--corpus FILE] [--json FILE]
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generateCorpus } from './pii-corpus.ts';
import { type Corpus, floorViolations, parseCorpus, type Score, scoreCorpus } from './pii-scoring.ts';

const usage = `usage: npm run pii:score -- [--corpus FILE] [--json FILE]
  Prints recall and precision of the redactor for each kind of personal data, beside pattern-only Presidio's figures.
  --corpus FILE  a corpus as JSON: [{full_text, spans: [{entity_type, start_position, end_position}]}], offsets in code points;
                 without it the public corpus beside this repository when it is there, else the generated one
  --json FILE    also writes the figures as JSON
  exit code 0: every floor is held; 1: one is not; 2: wrong usage, or a file that cannot be read.`;

const publicCorpus = fileURLToPath(new URL('../../shared/data/pii/synth_dataset_v2.json', import.meta.url));

function main(): number {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const { name, corpus } = loadCorpus(options.corpus);
  const score = scoreCorpus(corpus);
  process.stdout.write(`${formatScore(name, score)}\n`);
  if (options.json !== undefined) writeJson(options.json, name, score);
  const violations = floorViolations(score);
  for (const violation of violations) process.stderr.write(`below the floor: ${violation}\n`);
  return violations.length === 0 ? 0 : 1;
}

function readOptions(): { readonly help: boolean; readonly corpus?: string; readonly json?: string } {
  try {
    const { values } = parseArgs({
      options: { corpus: { type: 'string' }, json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    return { ...values, help: values.help === true };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function loadCorpus(file: string | undefined): { readonly name: string; readonly corpus: Corpus } {
  if (file === undefined && !existsSync(publicCorpus)) return { name: 'generated', corpus: generateCorpus() };
  const path = file ?? publicCorpus;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new UsageError(code === 'ENOENT' ? `there is no file ${path}` : `${path} cannot be read (${code})`, {
      cause: error,
    });
  }
  try {
    return { name: file ?? 'synth_dataset_v2.json', corpus: parseCorpus(text) };
  } catch (error) {
    throw new UsageError(`${path} is not a corpus: ${(error as Error).message}`, { cause: error });
  }
}

function writeJson(file: string, corpus: string, score: Score): void {
  try {
    writeFileSync(file, `${JSON.stringify({ corpus, ...score }, null, 2)}\n`);
  } catch (error) {
    throw new UsageError(`${file} cannot be written (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
}

function formatScore(name: string, score: Score): string {
  const cell = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(3));
  // Its figures were measured on this corpus and say nothing of another.
  const isPresidioCorpus = basename(name) === basename(publicCorpus);
  const rows = score.entities.map((row) => [
    row.type,
    String(row.gold),
    cell(row.recall),
    cell(row.precision),
    cell(isPresidioCorpus ? row.presidioRecall : undefined),
    cell(isPresidioCorpus ? row.presidioPrecision : undefined),
  ]);
  const lines = [['entity', 'spans', 'recall', 'precision', 'presidio R', 'presidio P'], ...rows].map((row) =>
    row.map((value, column) => (column === 0 ? value.padEnd(20) : value.padStart(11))).join(''),
  );
  return [
    `corpus: ${name}, ${score.texts} texts`,
    ...lines,
    `clean texts altered: ${score.cleanAltered} of ${score.clean} (texts without structured personal data)`,
    'presidio: 2.2.363 with patterns only, measured on synth_dataset_v2.json alone; names and places need NER and are not scored',
  ].join('\n');
}

class UsageError extends Error {}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
