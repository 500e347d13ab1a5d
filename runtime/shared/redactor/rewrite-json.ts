import type { Json, JsonObject } from '../../contract/json.ts';

export interface RewrittenJson {
  readonly text: string;
  /** Whether the value is all that the text says: a number that JavaScript rounds is in the text alone. */
  readonly isWhole: boolean;
}

/**
 * The JSON text of `before` with what is new in `after` written over it; everything else stays as it was sent, rounded numbers and blanks too.
 * Undefined when an object names a member twice: parsers differ in which one they take, and `before` has only the last (RFC 8259 § 4).
 */
export function rewriteJson(text: string, before: Json, after: Json): RewrittenJson | undefined {
  const rewriter = new Rewriter(text);
  return rewriter.takeValue(before, after) ? rewriter.end() : undefined;
}

/** Goes through a valid JSON text beside its value; each `take` is false when a member is not the only one of its name. */
class Rewriter {
  readonly #text: string;
  #at = 0;
  #out = '';
  /** Where the text begins that `#out` has not yet. */
  #rest = 0;
  #isWhole = true;

  constructor(text: string) {
    this.#text = text;
  }

  end(): RewrittenJson {
    return { text: this.#out + this.#text.slice(this.#rest), isWhole: this.#isWhole };
  }

  // What nests deeper than the redactor follows is one marker in `after`, so this does not nest deeper either.
  takeValue(before: Json, after: Json): boolean {
    this.#skipBlanks();
    const from = this.#at;
    if (before !== after && typeof after !== 'object') {
      this.#skipValue();
      this.#replaceFrom(from, after);
      return true;
    }
    if (Array.isArray(before)) return this.#takeItems(before, after as readonly Json[]);
    if (typeof before === 'object' && before !== null)
      return this.#takeMembers(before as JsonObject, after as JsonObject);
    this.#skipValue();
    this.#compare(from, before);
    return true;
  }

  #takeItems(before: readonly Json[], after: readonly Json[]): boolean {
    this.#skipMark();
    for (const [index, item] of before.entries()) {
      if (index > 0) this.#skipMark();
      if (!this.takeValue(item, after[index] as Json)) return false;
    }
    this.#skipMark();
    return true;
  }

  #takeMembers(before: JsonObject, after: JsonObject): boolean {
    const names = newNames(before, after);
    if (names === undefined) return false;
    const seen = new Set<string>();
    this.#skipMark();
    for (this.#skipBlanks(); this.#text[this.#at] !== '}'; this.#skipBlanks()) {
      if (seen.size > 0) this.#skipMark();
      const [key, from] = this.#takeKey();
      if (seen.has(key)) return false;
      seen.add(key);
      const name = names.get(key) ?? key;
      if (name === key) this.#compare(from, key);
      else this.#replaceFrom(from, name);
      this.#skipMark();
      if (!this.takeValue(before[key] as Json, after[name] as Json)) return false;
    }
    this.#skipMark();
    return true;
  }

  #takeKey(): [string, number] {
    this.#skipBlanks();
    const from = this.#at;
    this.#skipString();
    return [JSON.parse(this.#text.slice(from, this.#at)) as string, from];
  }

  #compare(from: number, value: Json): void {
    this.#isWhole &&= JSON.stringify(value) === this.#text.slice(from, this.#at);
  }

  #replaceFrom(from: number, value: Json): void {
    this.#out += this.#text.slice(this.#rest, from) + JSON.stringify(value);
    this.#rest = this.#at;
  }

  #skipBlanks(): void {
    while (isBlank(this.#text.charCodeAt(this.#at))) this.#at += 1;
  }

  /** One of `{}[],:`. */
  #skipMark(): void {
    this.#skipBlanks();
    this.#at += 1;
  }

  #skipValue(): void {
    let depth = 0;
    do {
      const character = this.#text[this.#at] ?? '';
      if (character === '"') this.#skipString();
      else if (depth === 0 && !/[{[]/.test(character)) this.#skipWord();
      else {
        if (/[{[]/.test(character)) depth += 1;
        else if (/[}\]]/.test(character)) depth -= 1;
        this.#at += 1;
      }
    } while (depth > 0);
  }

  #skipString(): void {
    for (this.#at += 1; this.#text[this.#at] !== '"'; this.#at += 1) if (this.#text[this.#at] === '\\') this.#at += 1;
    this.#at += 1;
  }

  /** A number, or `true`, `false`, `null`. */
  #skipWord(): void {
    while (/[\w.+-]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Names that are new, by the old one. Both objects have their members in one order, unless an index, which sorts first, was renamed: then undefined. */
function newNames(before: JsonObject, after: JsonObject): ReadonlyMap<string, string> | undefined {
  const names = new Map<string, string>();
  if (before === after) return names;
  const afterNames = Object.keys(after);
  for (const [index, key] of Object.keys(before).entries()) {
    const name = afterNames[index] ?? key;
    if (name === key) continue;
    if (/^\d{1,10}$/.test(key)) return undefined;
    names.set(key, name);
  }
  return names;
}
