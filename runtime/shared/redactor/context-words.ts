/** What words around a number say it is. */
export type Context =
  | 'phone'
  | 'ssn'
  | 'card'
  | 'bank'
  | 'routing'
  | 'license'
  | 'passport'
  | 'itin'
  /** An order, a version, an amount: a number that is nobody's. */
  | 'other';

interface Mention {
  readonly start: number;
  readonly end: number;
  readonly context: Context;
}

const words: Readonly<Record<Context, string>> = {
  ssn: 'ssn|social security|social sec',
  itin: 'itin|taxpayer id',
  card: '(?:credit|debit|bank|visa|master|amex|payment) ?card|visa|mastercard|amex|american express|\\bcc\\b|card|\\bpan\\b',
  license: "driv(?:er|ing)(?:'?s)?'?[ _-]?licen[cs]e|\\bdl ?(?:no|num|#)|licen[cs]e (?:no|num|id|#)",
  passport: 'passport',
  routing: 'routing|\\baba\\b',
  bank: '(?:bank|checking|savings?|deposit) ?(?:account|acct)|account ?(?:no\\b|num|#)|\\bacct',
  phone:
    'phone|\\btel\\b|mobile?\\b|\\bcell\\b|\\bfax|whatsapp|\\bsms\\b|\\bcall(?:ing|ed)?\\b|\\btext(?:ed)?\\b|messages? to|answer(?:ing)? (?:at|on)|registered|' +
    '\\bring\\b|\\bdial|hotline|voicemail|reach (?:me|us|him|her|them)|contact (?:no|num|me|us)|(?:desk|office|home|work|direct) ?(?::|no\\b|num|line)',
  other:
    '\\border|invoice|tracking|\\bref\\b|reference|ticket|\\bcase\\b|isbn|issn|\\bzip\\b|postal|version|\\bbuild\\b|commit|\\bsku\\b|serial|\\bmodel\\b|' +
    'timestamp|epoch|\\bamount|\\bprice|\\btotal|\\bqty\\b|quantity|bytes|\\brows?\\b|\\bids?\\b|\\boffset\\b|\\bport\\b|\\bduration',
};

const contexts = Object.keys(words) as Context[];
const pattern = new RegExp(contexts.map((context) => `(${words[context]})`).join('|'), 'gi');

/** How far before a number a word still speaks of it, in UTF-16 units. */
const REACH = 40;

/** A label right after a number: `781 1704 office`. */
const labelAfter = /^[ \n-]{1,3}[([]?(?:office|fax|mobile?|desk|home|work|cell|tel|phone)\b/i;

/** Finds words near numbers; reads the text once, when first asked, and must be asked in ascending order of `start`. */
export class ContextReader {
  readonly #text: string;
  #mentions: Mention[] | undefined;
  #next = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The nearest word that ends within {@link REACH} before `start`. */
  before(start: number): Context | undefined {
    this.#mentions ??= readMentions(this.#text);
    const mentions = this.#mentions;
    while (this.#next < mentions.length && (mentions[this.#next]?.end ?? 0) <= start) this.#next += 1;
    const nearest = mentions[this.#next - 1];
    return nearest !== undefined && start - nearest.end <= REACH ? nearest.context : undefined;
  }

  /** Whether a phone label stands right after `end`. */
  isLabelledPhone(end: number): boolean {
    return labelAfter.test(this.#text.slice(end, end + 16));
  }
}

function readMentions(text: string): Mention[] {
  const mentions: Mention[] = [];
  for (const match of text.matchAll(pattern)) {
    const group = match.findIndex((part, index) => index > 0 && part !== undefined);
    const context = contexts[group - 1];
    if (context !== undefined) mentions.push({ start: match.index, end: match.index + match[0].length, context });
  }
  return mentions;
}
