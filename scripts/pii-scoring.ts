import { findPii } from '../runtime/shared/redact-json.ts';

/** One text with the personal data that is in it. Offsets count code points, as Presidio's corpora do. */
export interface Sample {
  readonly full_text: string;
  readonly masked: string;
  readonly spans: readonly Span[];
  readonly template_id: number;
  readonly metadata: null;
}

export interface Span {
  readonly entity_type: string;
  readonly entity_value: string;
  readonly start_position: number;
  readonly end_position: number;
}

export type Corpus = readonly Pick<Sample, 'full_text' | 'spans'>[];

export interface EntityScore {
  readonly type: string;
  readonly gold: number;
  readonly recall: number | undefined;
  readonly precision: number | undefined;
  readonly presidioRecall: number | undefined;
  readonly presidioPrecision: number | undefined;
}

export interface Score {
  readonly texts: number;
  readonly entities: readonly EntityScore[];
  /** Texts without any of {@link structured}. */
  readonly clean: number;
  readonly cleanAltered: number;
}

/** Kinds that patterns can find, with what pattern-only Presidio 2.2.363 reaches on synth_dataset_v2 at threshold 0.35. */
const structured: Readonly<Record<string, { readonly recall?: number; readonly precision?: number }>> = {
  EMAIL_ADDRESS: { recall: 1 },
  US_SSN: { recall: 1 },
  IBAN_CODE: { recall: 1 },
  IP_ADDRESS: { recall: 1 },
  CREDIT_CARD: { recall: 0.772 },
  PHONE_NUMBER: { recall: 0.543, precision: 0.71 },
  US_DRIVER_LICENSE: { recall: 0.8 },
  US_ITIN: {},
  US_BANK_NUMBER: {},
  US_PASSPORT: {},
  CRYPTO: {},
  MAC_ADDRESS: {},
};

/** What a change may not go below: recall and precision by kind, and the share of clean texts altered. */
const floors: Readonly<Record<string, { readonly recall: number; readonly precision: number }>> = {
  EMAIL_ADDRESS: { recall: 1, precision: 0.98 },
  US_SSN: { recall: 1, precision: 0.98 },
  IBAN_CODE: { recall: 1, precision: 0.98 },
  IP_ADDRESS: { recall: 1, precision: 0.98 },
  CREDIT_CARD: { recall: 0.99, precision: 0.98 },
  PHONE_NUMBER: { recall: 0.95, precision: 0.95 },
  US_DRIVER_LICENSE: { recall: 0.8, precision: 0.95 },
};
const CLEAN_ALTERED_MAX = 0.005;

/** Share of a span that findings of its kind must cover to count. */
const COVERED_MIN = 0.9;

/** Reads a corpus; throws an Error that says in one sentence what is wrong with it. */
export function parseCorpus(text: string): Corpus {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Error('it is not JSON', { cause: error });
  }
  if (!Array.isArray(parsed) || parsed.length === 0) throw new Error('it is not a list of samples');
  for (const [index, sample] of parsed.entries()) {
    if (typeof sample?.full_text !== 'string' || !Array.isArray(sample.spans))
      throw new Error(`sample ${index} lacks full_text or spans`);
    for (const span of sample.spans) {
      const { entity_type: type, start_position: start, end_position: end } = span ?? {};
      if (typeof type !== 'string' || !Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start)
        throw new Error(`sample ${index} has a span without entity_type, start_position and end_position`);
    }
  }
  return parsed as Corpus;
}

/** Scores the redactor: a span counts when findings of the same kind cover 90 % of it; a finding when it touches such a span. */
export function scoreCorpus(corpus: Corpus): Score {
  const tally = new Map<string, { gold: number; found: number; hits: number; right: number }>();
  const of = (type: string) => {
    const known = tally.get(type) ?? { gold: 0, found: 0, hits: 0, right: 0 };
    tally.set(type, known);
    return known;
  };
  let clean = 0;
  let cleanAltered = 0;
  for (const { full_text: text, spans } of corpus) {
    const units = unitOffsets(text);
    const gold = spans
      .filter(({ entity_type }) => entity_type in structured)
      .map((span) => ({
        type: span.entity_type,
        start: units[span.start_position] ?? text.length,
        end: units[span.end_position] ?? text.length,
      }));
    const hits = findPii(text);
    if (gold.length === 0) {
      clean += 1;
      if (hits.length > 0) cleanAltered += 1;
    }
    for (const span of gold) {
      of(span.type).gold += 1;
      const covered = hits
        .filter((hit) => hit.type === span.type)
        .reduce((sum, hit) => sum + Math.max(0, Math.min(hit.end, span.end) - Math.max(hit.start, span.start)), 0);
      if (covered >= COVERED_MIN * (span.end - span.start)) of(span.type).found += 1;
    }
    for (const hit of hits) {
      of(hit.type).hits += 1;
      const isRight = gold.some((span) => span.type === hit.type && span.start < hit.end && hit.start < span.end);
      if (isRight) of(hit.type).right += 1;
    }
  }
  const types = [...new Set([...Object.keys(structured), ...tally.keys()])].filter((type) => tally.has(type));
  const entities = types.map((type): EntityScore => {
    const { gold, found, hits, right } = of(type);
    return {
      type,
      gold,
      recall: gold === 0 ? undefined : found / gold,
      precision: hits === 0 ? undefined : right / hits,
      presidioRecall: structured[type]?.recall,
      presidioPrecision: structured[type]?.precision,
    };
  });
  return { texts: corpus.length, entities, clean, cleanAltered };
}

/** One sentence for each floor that a score does not hold; a kind that the corpus lacks is not judged. */
export function floorViolations(score: Score): string[] {
  const violations: string[] = [];
  for (const { type, recall, precision } of score.entities) {
    const floor = floors[type];
    if (floor === undefined || recall === undefined) continue;
    if (recall < floor.recall) violations.push(`recall of ${type} is ${recall.toFixed(3)}, floor ${floor.recall}`);
    if (precision !== undefined && precision < floor.precision)
      violations.push(`precision of ${type} is ${precision.toFixed(3)}, floor ${floor.precision}`);
  }
  if (score.cleanAltered > score.clean * CLEAN_ALTERED_MAX)
    violations.push(
      `${score.cleanAltered} of ${score.clean} clean texts are altered, at most ${CLEAN_ALTERED_MAX * 100} %`,
    );
  return violations;
}

/** UTF-16 offset of each code point, and of the end. */
function unitOffsets(text: string): number[] {
  const offsets: number[] = [];
  let at = 0;
  for (const character of text) {
    offsets.push(at);
    at += character.length;
  }
  offsets.push(at);
  return offsets;
}
