import type { EntityType, Hit } from './hits.ts';
import { readMatches } from './read-matches.ts';
import { COLON, EQUALS, RUN_MIN, type Survey } from './survey.ts';

/** Finds credentials: they are never anybody's data, and never recorded. */
export function findSecrets(text: string, { seen, runMax, runs }: Survey): Hit[] {
  const hits: Hit[] = [];
  if (runMax >= RUN_MIN) {
    if (text.includes('PRIVATE KEY')) findPrivateKeys(text, hits);
    findTokens(text, hits);
    findKeys(text, runs, hits);
    if (/bearer|basic/i.test(text)) {
      for (const match of readMatches(bearer, text)) push(match, match[1], 'BEARER_TOKEN', hits);
    }
  }
  if ((seen & (COLON | EQUALS)) !== 0) {
    if (mentionsSecret.test(text)) for (const match of readMatches(assigned, text)) pushAssigned(match, hits);
    if (text.includes('://'))
      for (const match of readMatches(urlPassword, text)) push(match, match[1], 'PASSWORD', hits);
  }
  return hits;
}

const BEGIN = '-----BEGIN ';

/** From the BEGIN line to the end of the END line, or of the text when it was cut (RFC 7468). */
function findPrivateKeys(text: string, hits: Hit[]): void {
  for (let begin = text.indexOf(BEGIN); begin >= 0; ) {
    const label = text.slice(begin, begin + 64);
    let end = begin + BEGIN.length;
    if (/^-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY/.test(label)) {
      const tail = text.indexOf('-----END ', begin);
      const close = tail < 0 ? -1 : text.indexOf('-----', tail + 9);
      end = close < 0 ? text.length : close + 5;
      hits.push({ start: begin, end, type: 'PRIVATE_KEY' });
    }
    begin = text.indexOf(BEGIN, end);
  }
}

const TOKEN_RUN = /[A-Za-z0-9_-]*/y;

/** JSON Web Tokens, signed or encrypted: three to five dotted runs, the first of which is a JSON object (`eyJ`). */
function findTokens(text: string, hits: Hit[]): void {
  for (let start = text.indexOf('eyJ'); start >= 0; ) {
    let end = start;
    let parts = 0;
    while (parts < 5) {
      TOKEN_RUN.lastIndex = end;
      end += TOKEN_RUN.exec(text)?.[0].length ?? 0;
      parts += 1;
      if (text[end] !== '.') break;
      end += 1;
    }
    if (parts >= 3 && end - start >= 20) hits.push({ start, end, type: 'JWT' });
    start = text.indexOf('eyJ', Math.max(end, start + 3));
  }
}

/** Keys by prefix, looked for only in runs that are long enough: reading every text for every prefix would cost most of all. */
function findKeys(text: string, runs: readonly number[], hits: Hit[]): void {
  for (let i = 0; i < runs.length; i += 2) {
    const start = runs[i] ?? 0;
    for (const key of readMatches(prefixed, text.slice(start, runs[i + 1]))) {
      hits.push(hitOf(start + key.index, key[0], keyType(key[0])));
    }
  }
  if (!/SG\.|ya29\.|hv[sb]\./.test(text)) return;
  for (const key of readMatches(dotted, text)) hits.push(hitOf(key.index, key[0], 'API_KEY'));
}

const dotted =
  /(?<![A-Za-z0-9])(?:ya29\.[A-Za-z0-9_-]{20,1024}|SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}|hv[sb]\.[A-Za-z0-9_-]{20,255})/g;

// Issuers publish these prefixes so that scanners can find leaked keys.
const prefixed = new RegExp(
  `(?<![A-Za-z0-9])(?:${[
    '(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])',
    'gh[pousr]_[A-Za-z0-9]{30,255}',
    'github_pat_[A-Za-z0-9_]{22,255}',
    'glpat-[A-Za-z0-9_-]{20,64}',
    'xox[abeoprs]-[A-Za-z0-9-]{10,255}',
    'xapp-[A-Za-z0-9-]{10,255}',
    '(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,255}',
    'whsec_[A-Za-z0-9+/=]{16,255}',
    'sk-[A-Za-z0-9_-]{20,255}',
    'AIza[A-Za-z0-9_-]{35}',
    'npm_[A-Za-z0-9]{36}',
    'pypi-[A-Za-z0-9_-]{50,255}',
    'hf_[A-Za-z0-9]{30,64}',
    'do[opr]_v1_[a-f0-9]{64}',
    'shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}',
    'dapi[a-f0-9]{32}',
  ].join('|')})`,
  'g',
);

function keyType(key: string): EntityType {
  return /^A[KS]IA/.test(key) ? 'AWS_ACCESS_KEY' : 'API_KEY';
}

const bearer = /\b(?:bearer|basic)[ \n]{1,4}([A-Za-z0-9._~+/=-]{12,8192})/gi;

const mentionsSecret =
  /pass(?:word|wd|phrase)|pwd|secret|api[_-]?key|(?:access|account|private)[_-]?key|[_-]token|set-cookie|cookie:/i;

const assigned =
  /(pass(?:word|wd|phrase)?|pwd|secret|api[_-]?key|(?:access|account|private)[_-]?key|(?:auth|access|refresh|id|session|api|bearer)[_-]token|cookie)\\{0,3}["']?[ ]{0,3}(?::|=>?)[ ]{0,3}\\{0,3}["']?([^\s"'<>,;&{}()[\]\\]{4,512})/gi;

/** Words that stand where a secret would in schemas, code and documentation. */
const notSecret =
  /^(?:string|number|boolean|object|null|undefined|none|true|false|required|optional|redacted|masked|hidden|\*+|x{4,}|\.{3,}|\$[A-Z_]*)$/i;

function pushAssigned(match: RegExpExecArray, hits: Hit[]): void {
  const [, name = '', value = ''] = match;
  if (notSecret.test(value)) return;
  const isPassword = /^(?:pass|pwd)/i.test(name);
  push(match, value, isPassword ? 'PASSWORD' : /cookie/i.test(name) ? 'SESSION_COOKIE' : 'SECRET', hits);
}

/** RFC 3986 § 3.2.1: the password in `scheme://user:password@host`. */
const urlPassword = /:\/\/[^\s/?#@:]{0,128}:([^\s/?#@]{1,256})(?=@)/g;

function push(match: RegExpExecArray, value: string | undefined, type: EntityType, hits: Hit[]): void {
  if (value !== undefined && value !== '') hits.push(hitOf(match.index + match[0].lastIndexOf(value), value, type));
}

function hitOf(start: number, value: string, type: EntityType): Hit {
  return { start, end: start + value.length, type };
}
