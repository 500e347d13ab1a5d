// Our own labelled corpus: templates filled with made-up data, the same for the same seed. `node scripts/pii-corpus.ts > FILE` writes it.
import { pathToFileURL } from 'node:url';
import type { Sample, Span } from './pii-scoring.ts';

/** Fills every template `rounds` times; the same seed gives the same corpus, byte for byte. */
export function generateCorpus(seed = 20_261_121, rounds = 12): Sample[] {
  const random = mulberry32(seed);
  return templates.flatMap((template, index) => Array.from({ length: rounds }, () => fill(template, index, random)));
}

type Random = () => number;

const templates: readonly string[] = [
  'Please charge {{CREDIT_CARD}} for the next month.',
  'My card {{CREDIT_CARD}} was lost in {{CITY}}, please block it.',
  '{"customer":"{{PERSON}}","payment":{"pan":"{{CREDIT_CARD}}"},"order_id":"{{ORDER}}"}',
  'Refund of 12.50 EUR to {{CREDIT_CARD}} (order {{ORDER}}) on {{DATE}}',
  'Hi {{PERSON}}, you can reach me at {{EMAIL_ADDRESS}}.',
  'From: {{PERSON}} <{{EMAIL_ADDRESS}}>\nTo: {{EMAIL_ADDRESS}}\nDate: {{DATE}}',
  "select * from customers where email = '{{EMAIL_ADDRESS}}' limit 10",
  '{{PERSON}};{{EMAIL_ADDRESS}};{{PHONE_NUMBER}};{{CITY}}',
  'Call me on {{PHONE_NUMBER}} before {{DATE}}.',
  'Phone: {{PHONE_NUMBER}}\nFax: {{PHONE_NUMBER}}\nStreet: {{STREET}}',
  'Her mobile number is {{PHONE_NUMBER}}, she lives at {{STREET}}, {{ZIP}} {{CITY}}',
  'SMS to {{PHONE_NUMBER}} was not delivered (code 4031)',
  'SSN: {{US_SSN}}',
  'The applicant {{PERSON}} ({{US_SSN}}) was born on {{DATE}}.',
  'taxpayer id {{US_ITIN}} filed on {{DATE}}',
  'Transfer 1 200,00 EUR to {{IBAN_CODE}} by {{DATE}}',
  'IBAN {{IBAN_CODE}}, reference {{ORDER}}',
  'Login of {{EMAIL_ADDRESS}} from {{IP_ADDRESS}} at {{DATE}} 07:20:00',
  '{{IP_ADDRESS}} - - [{{DATE}}:07:20:00 +0000] "GET /a?id={{UUID}} HTTP/1.1" 200 5316',
  'Device {{MAC_ADDRESS}} took the lease of {{IP_ADDRESS}}',
  'send it to {{CRYPTO}} please',
  'Her bank account number is {{US_BANK_NUMBER}}.',
  "driver's license number {{US_DRIVER_LICENSE}}, state of {{CITY}}",
  'Passport {{US_PASSPORT}} expires {{DATE}}',
  'Request {{UUID}} took 1234 ms at commit {{SHA}}',
  'Order {{ORDER}} shipped on {{DATE}}, tracking 1Z999AA1{{ORDER}}',
  'Version {{VERSION}} of the package was published on {{DATE}}.',
  'Their office is at {{STREET}}, {{ZIP}} {{CITY}}.',
  'ISBN {{ISBN}} costs 24.90 and weighs 1.250 kg',
  '{"id":"{{UUID}}","count":1234567,"created_at":"{{DATE}}T07:20:00.000Z","etag":"{{SHA}}"}',
  '10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16 are private; the pool has 1 048 576 addresses',
  'Turnover grew from 1,234,567 to 2,345,678 between {{DATE}} and {{DATE}}',
];

const makers: Readonly<Record<string, (random: Random) => string>> = {
  EMAIL_ADDRESS: (random) => {
    const [first, last] = [pick(random, firstNames), pick(random, lastNames)];
    const local = pick(random, [
      `${first}.${last}`,
      `${first}${last}`,
      `${first}_${last}+shop`,
      `${first[0]}${digits(random, 3)}`,
    ]);
    return `${pick(random, [local, local.toLowerCase()])}@${pick(random, domains)}`;
  },
  CREDIT_CARD: (random) => {
    const [prefix, length] = pick(random, cardRanges);
    return group(withLuhn(prefix + digits(random, length - prefix.length - 1)), length, random);
  },
  PHONE_NUMBER: (random) =>
    pick(random, phoneFormats).replace(/[#N]/g, (mark) =>
      mark === 'N' ? between(random, 2, 9) : between(random, 0, 9),
    ),
  US_SSN: (random) =>
    [between(random, 100, 665), between(random, 10, 99), between(random, 1000, 9999)].join(
      pick(random, ['-', '-', ' ', '.']),
    ),
  US_ITIN: (random) => `9${digits(random, 2)}-${between(random, 70, 88)}-${between(random, 1000, 9999)}`,
  IBAN_CODE: (random) => {
    const iban = pick(random, ibanBodies)(random);
    return pick(random, [iban, iban.toLowerCase(), iban.replace(/(.{4})(?=.)/g, '$1 ')]);
  },
  IP_ADDRESS: (random) =>
    random() < 0.7
      ? [between(random, 1, 126), between(random, 0, 255), between(random, 0, 255), between(random, 1, 254)].join('.')
      : `2001:db8:${Array.from({ length: 5 }, () => hexDigits(random, 4)).join(':')}:1`,
  MAC_ADDRESS: (random) => Array.from({ length: 6 }, () => hexDigits(random, 2)).join(pick(random, [':', '-'])),
  CRYPTO: (random) => `0x${hexDigits(random, 40)}`,
  US_BANK_NUMBER: (random) => digits(random, Number(between(random, 8, 11))),
  US_DRIVER_LICENSE: (random) =>
    pick(random, [`${pick(random, ['F', 'U', 'S'])}${digits(random, 12)}`, `1${digits(random, 6)}`]),
  US_PASSPORT: (random) => `C${digits(random, 8)}`,
  PERSON: (random) => `${pick(random, firstNames)} ${pick(random, lastNames)}`,
  CITY: (random) => pick(random, ['Springfield', 'Graz', 'Évora', 'Łódź', 'Turku', 'Kyōto']),
  STREET: (random) =>
    `${between(random, 1, 9999)} ${pick(random, ['Elm Street', 'Hauptstraße', 'rue du Lac', 'Kaivokatu'])} Apt. ${between(random, 1, 999)}`,
  ZIP: (random) =>
    pick(random, [digits(random, 5), `${digits(random, 5)}-${digits(random, 4)}`, `${digits(random, 4)}`]),
  ORDER: (random) => digits(random, Number(between(random, 6, 9))),
  DATE: (random) => `${between(random, 1950, 2029)}-${between(random, 10, 12)}-${between(random, 10, 28)}`,
  UUID: (random) => [8, 4, 4, 4, 12].map((length) => hexDigits(random, length)).join('-'),
  SHA: (random) => hexDigits(random, 40),
  VERSION: (random) => [between(random, 0, 30), between(random, 0, 99), between(random, 0, 9)].join('.'),
  ISBN: (random) => pick(random, ['978-3-16-148410-0', '978-0-306-40615-7', '0-306-40615-2']),
};

const firstNames = ['Ada', 'Bojan', 'Chloé', 'Dmitri', 'Émile', 'Fatima', 'Gwen', 'Håkan'].map((name) =>
  name.normalize('NFC'),
);
const lastNames = ['Lovelace', 'Novak', 'Okafor', 'Petrov', 'Quist', 'Sato', 'Tamm', 'Ng'];
const domains = ['example.com', 'mail.example.org', 'example.co.uk', 'firma.example', 'xn--bcher-kva.example'];
const cardRanges: readonly (readonly [string, number])[] = [
  ['4', 13],
  ['4', 16],
  ['4', 19],
  ['51', 16],
  ['55', 16],
  ['2221', 16],
  ['2720', 16],
  ['34', 15],
  ['37', 15],
  ['6011', 16],
  ['65', 16],
  ['300', 14],
  ['36', 14],
  ['38', 14],
  ['3528', 16],
  ['3589', 16],
  ['1800', 15],
  ['2131', 15],
  ['5018', 12],
  ['6304', 12],
  ['62', 16],
];
const phoneFormats = [
  'NNN-NNN-####',
  '(NNN) NNN-####',
  '(NNN)NNN-####',
  'NNN.NNN.####',
  '1-NNN-NNN-####',
  '+1-NNN-NNN-####',
  '001-NNN-NNN-####',
  'NNN-NNN-####x####',
  '+44 20 7### ####',
  '+4420N#######',
  '07700 ### ###',
  '+46 (0)8 ### ### ##',
  '+41 (0)## ### ## ##',
  '0N.##.##.##.##',
  '+33 N ## ## ## ##',
  '+49 30 N#######',
  '+372 5### ####',
  '0N## ## ## ##',
];
const ibanBodies: readonly ((random: Random) => string)[] = [
  (random) => iban('GB', `WEST${digits(random, 14)}`),
  (random) => iban('DE', digits(random, 18)),
  (random) => iban('FR', `${digits(random, 10)}${digits(random, 9)}M0${digits(random, 2)}`),
  (random) => iban('NL', `ABNA${digits(random, 10)}`),
  (random) => iban('NO', digits(random, 11)),
  (random) => iban('MT', `MALT${digits(random, 5)}${digits(random, 12)}MTL0S1`),
];

function fill(template: string, index: number, random: Random): Sample {
  let text = '';
  const spans: Span[] = [];
  let from = 0;
  for (const slot of template.matchAll(/\{\{([A-Z_]+)\}\}/g)) {
    text += template.slice(from, slot.index);
    from = slot.index + slot[0].length;
    const type = slot[1] ?? '';
    const make = makers[type];
    if (make === undefined) throw new Error(`template ${index} has a slot ${type} that nothing fills`);
    const value = make(random);
    const start = [...text].length;
    text += value;
    spans.push({
      entity_type: type,
      entity_value: value,
      start_position: start,
      end_position: start + [...value].length,
    });
  }
  return { full_text: text + template.slice(from), masked: template, spans, template_id: index, metadata: null };
}

/** A small seeded generator (mulberry32): the corpus must be the same on every machine. */
function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

function between(random: Random, least: number, most: number): string {
  return String(least + Math.floor(random() * (most - least + 1)));
}

function digits(random: Random, length: number): string {
  return Array.from({ length }, () => between(random, 0, 9)).join('');
}

function hexDigits(random: Random, length: number): string {
  return Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');
}

function group(card: string, length: number, random: Random): string {
  if (length !== 16) return card;
  const separator = pick(random, ['', '', ' ', '-']);
  return card.replace(/(\d{4})(?=\d)/g, `$1${separator}`);
}

function withLuhn(start: string): string {
  const sum = [...start].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return `${start}${(10 - (sum % 10)) % 10}`;
}

/** Puts the check digits of ISO 13616 in: 98 minus the rest modulo 97 with zeros in their place. */
function iban(country: string, body: string): string {
  const numeric = [...`${body}${country}00`].map((character) => Number.parseInt(character, 36)).join('');
  return `${country}${String(98n - (BigInt(numeric) % 97n)).padStart(2, '0')}${body}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.stdout.write(`${JSON.stringify(generateCorpus(), null, 1)}\n`);
}
