import type { Covered, EntityType } from '../../shared/redactor/hits.ts';

/**
 * Whether what a mask covers can be nothing but what the mask says: then a yes may be to it unseen. Free text is of no kind, and neither is a word that may
 * be the name of something, or anything that a language may calculate with.
 */
export function isOfItsKind({ type, text, start, end, named }: Covered): boolean {
  const covered = text.slice(start, end);
  if (type === 'UNSCANNED') return true;
  if (type === 'PRIVATE_KEY') return isPrivateKey(covered);
  if (type === 'JWT') return isJwt(covered);
  const form = forms[type];
  if (form !== undefined) return covered.length <= formLengthMax && form.test(covered) && !covered.includes('--');
  if (named === 'itself') return oneLine.test(covered) || longToken.test(covered);
  if (!isToken(covered)) return false;
  if (named === 'around' || isIssued(type)) return true;
  return isPlainWord(covered) || isUrlPassword(text, start, end) || isQuoted(text, start, end);
}

const formLengthMax = 320;

const digits = /^[+(]{0,2}\p{Nd}[\p{Nd} ()./_+\n-]{0,40}(?: ?(?:x|ext\.? ?)\d{1,6})?$/iu;
const identity = /^(?=.*\d)(?:[A-Za-z0-9]{4,24}|[A-Za-z]{0,2}[ -]?\d[\d -]{3,22})$/;

/** Personal data, wherever it stands. */
const forms: Readonly<Partial<Record<EntityType, RegExp>>> = {
  EMAIL_ADDRESS: /^[\p{L}\p{N}._~+!^-]{1,128}(?:@|%40)[\p{L}\p{N}.-]{3,255}$/u,
  IBAN_CODE: /^[A-Za-z]{2}\d{2}(?:[A-Za-z0-9]{8,30}|(?: [A-Za-z0-9]{4}){2,8}(?: [A-Za-z0-9]{1,3})?)$/,
  CREDIT_CARD: digits,
  US_SSN: digits,
  US_ITIN: digits,
  US_BANK_NUMBER: digits,
  ABA_ROUTING_NUMBER: digits,
  PHONE_NUMBER: digits,
  US_PASSPORT: identity,
  US_DRIVER_LICENSE: identity,
  UK_NINO: /^[A-Za-z]{2}(?: ?\d{2}){3} ?[A-Da-d]$/,
  CRYPTO: /^[A-Za-z0-9]{14,90}$/,
  MAC_ADDRESS: /^[\dA-Fa-f:.-]{11,17}$/,
  IP_ADDRESS: /^[\dA-Fa-f:.]{3,45}(?:\/\d{1,3})?$/,
  // One word at most: the month.
  DATE_TIME: /^[\d ./:,+TZ-]{0,30}(?:\p{L}{3,9})?[\d ./:,+TZ-]{0,30}$/u,
};

/** A secret that is all of a member named for it: of any characters that can be seen, since no tool takes a password for a program. */
const oneLine = /^[^\p{C}\p{Zl}\p{Zp}]{1,512}$/u;
const longToken = /^(?:[A-Za-z]{2,12} )?[\w.~+/=-]{1,8192}$/;

/** Without blanks, quotes, brackets, and what begins a comment, an escape or a variable. */
function isToken(covered: string): boolean {
  return /^[\w.~+/=@%!^:,-]{1,512}$/.test(covered) && !/--|\/\/|%[\dA-Fa-f]{2}/.test(covered);
}

/** Found by the prefix that its issuer gave it, or by the word `bearer`: no operator stands before it. */
function isIssued(type: EntityType): boolean {
  return type === 'AWS_ACCESS_KEY' || type === 'API_KEY' || type === 'BEARER_TOKEN';
}

/** `password=password` is true of every row; a value that is not quoted must look like none of its columns. */
function isPlainWord(covered: string): boolean {
  return /^[A-Za-z0-9]*\d[A-Za-z0-9]*$/.test(covered);
}

/** RFC 3986 § 3.2.1, in a URL that is one. */
function isUrlPassword(text: string, start: number, end: number): boolean {
  return (
    text[end] === '@' && /[A-Za-z][\w+.-]*:\/\/[\w.~%+!-]{0,128}:$/.test(text.slice(Math.max(0, start - 192), start))
  );
}

/** Longer texts are not read again for each of their masks. */
const quotedTextMax = 4096;

/**
 * Whether a quote opens right before and the same closes right after. `'password='+name+'…'` looks the same with quotes that close and open, so they are counted,
 * and only in texts where a quote cannot be anything else: with quotes of one kind, without comments, escapes, variables and brackets.
 */
function isQuoted(text: string, start: number, end: number): boolean {
  const quote = text[start - 1];
  if ((quote !== "'" && quote !== '"') || text[end] !== quote || text.length > quotedTextMax) return false;
  if (/--|\/\*|\/\/|[#\\$`[]/.test(text) || text.includes(quote === '"' ? "'" : '"')) return false;
  return text.slice(0, start - 1).split(quote).length % 2 === 1;
}

/** A header that is JSON and names its algorithm (RFC 7515 § 4.1.1): what begins so is no name of anything. */
function isJwt(covered: string): boolean {
  if (!/^[\w-]+(?:\.[\w-]*){2,4}$/.test(covered) || covered.length > 8192) return false;
  try {
    const header: unknown = JSON.parse(Buffer.from(covered.slice(0, covered.indexOf('.')), 'base64url').toString());
    return typeof header === 'object' && header !== null && 'alg' in header && typeof header.alg === 'string';
  } catch {
    return false;
  }
}

const pem =
  /^-----BEGIN ((?:[A-Z0-9]{1,16} ){0,2}PRIVATE KEY)-----(?:\r?\n|\\n)([A-Za-z0-9+/=\r\n\\]{1,16384})-----END \1-----$/;

/** RFC 7468: lines of base64, all but the last of one length, of a DER sequence or what OpenSSH writes. In SQL its first line is a comment, the others are not. */
function isPrivateKey(covered: string): boolean {
  const body = pem.exec(covered)?.[2];
  if (body === undefined) return false;
  const lines = body.split(/\r?\n|\\n/);
  if (lines.pop() !== '' || lines.some((line) => !/^[A-Za-z0-9+/]+={0,2}$/.test(line))) return false;
  const [first = ''] = lines;
  const last = lines.at(-1) ?? '';
  const isEven = lines.slice(0, -1).every((line) => line.length === first.length && line.length >= 64);
  if (!isEven || first.length > 76 || last.length > first.length) return false;
  const bytes = Buffer.from(lines.join(''), 'base64');
  return bytes.subarray(0, 15).toString('latin1') === 'openssh-key-v1\0' || isDerSequence(bytes);
}

/** ITU-T X.690 § 8.1.3: a sequence that says how long it is, and is that long. */
function isDerSequence(bytes: Buffer): boolean {
  const [tag, length = 0] = bytes;
  if (tag !== 0x30) return false;
  const lengthBytes = length < 0x80 ? 0 : length - 0x80;
  if (lengthBytes > 3 || bytes.length < 2 + lengthBytes) return false;
  const inner = lengthBytes === 0 ? length : bytes.readUIntBE(2, lengthBytes);
  return inner === bytes.length - 2 - lengthBytes;
}
