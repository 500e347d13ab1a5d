import type { EntityType } from './hits.ts';

/** What the name of a member says about its value. */
export interface KeyRule {
  readonly type: EntityType;
  /** Whether this value, written as a string, is what the name says; `unknown` or a masked rest is not. */
  readonly holds: (value: string) => boolean;
}

const digits = (least: number) => (value: string) => (value.match(/\p{Nd}/gu)?.length ?? 0) >= least;
const characters = (least: number) => (value: string) => value.length >= least;

const number = '(?:_?(?:number|no|num|nbr|id))?';

/** Names as words joined by `_`; the first rule that fits decides. */
const rules: readonly (readonly [RegExp, KeyRule])[] = [
  [
    /(?:^|_)(?:pass(?:word|wd|phrase)|pwd|passcode)(?:_?(?:hash|confirm(?:ation)?|new|old|current|\d))?$/,
    { type: 'PASSWORD', holds: characters(1) },
  ],
  [/(?:^|_)(?:proxy_)?authorization$/, { type: 'BEARER_TOKEN', holds: characters(4) }],
  [/(?:^|_)(?:set_)?cookies?$/, { type: 'SESSION_COOKIE', holds: characters(4) }],
  [/(?:^|_)private_?key(?:_?pem)?$/, { type: 'PRIVATE_KEY', holds: characters(8) }],
  [/(?:^|_)(?:api_?key|x_api_key)$/, { type: 'API_KEY', holds: characters(4) }],
  [
    /(?:^|_)(?:secret|(?:secret|access|account|signing|encryption)_?key|secret_access_key|(?:access|refresh|id|auth|session|bearer|api|security)_?token)$/,
    { type: 'SECRET', holds: characters(4) },
  ],
  [/^token$/, { type: 'SECRET', holds: characters(16) }],
  [
    new RegExp(`(?:^|_)(?:ssn|social_?security|social_?insurance)${number}(?:_?last_?(?:4|four))?$`),
    { type: 'US_SSN', holds: digits(4) },
  ],
  [/(?:^|_)(?:itin|tax_?payer_?id|tin)(?:_?number)?$/, { type: 'US_ITIN', holds: digits(9) }],
  [/(?:^|_)(?:cvv2?|cvc2?|card_?(?:security|verification)_?code)$/, { type: 'CREDIT_CARD', holds: digits(3) }],
  [
    /(?:^|_)(?:(?:(?:credit|debit|payment|bank)_?)?card_?(?:number|no|num|nbr)|(?:cc|pan)(?:_?(?:number|no|num))?|(?:credit|debit)_?card|card)$/,
    { type: 'CREDIT_CARD', holds: digits(12) },
  ],
  [/(?:^|_)iban(?:_?(?:code|number|no))?$/, { type: 'IBAN_CODE', holds: digits(6) }],
  [/(?:^|_)(?:routing_?(?:number|no|num)|aba(?:_?(?:number|no))?)$/, { type: 'ABA_ROUTING_NUMBER', holds: digits(9) }],
  [
    /(?:^|_)(?:(?:bank_?)?(?:account|acct)_?(?:number|no|num|nbr)|bank_?account)$/,
    { type: 'US_BANK_NUMBER', holds: digits(6) },
  ],
  [
    /(?:^|_)(?:(?:tele|cell|mobile_?|home_?|work_?)?phone|mobile|cell|telephone|tel|fax|msisdn|whatsapp|phones)(?:_?(?:number|no|num|nbr|home|work|office|mobile|main|\d))?s?$/,
    { type: 'PHONE_NUMBER', holds: digits(7) },
  ],
  [new RegExp(`(?:^|_)driv(?:er|ing)_?s?_?licen[cs]e${number}$`), { type: 'US_DRIVER_LICENSE', holds: digits(4) }],
  [new RegExp(`(?:^|_)passport${number}$`), { type: 'US_PASSPORT', holds: digits(5) }],
  [/(?:^|_)(?:dob|date_?of_?birth|birth_?(?:date|day)|born_?on)$/, { type: 'DATE_TIME', holds: digits(4) }],
  [
    /(?:^|_)e_?mails?(?:_?address(?:es)?)?$/,
    { type: 'EMAIL_ADDRESS', holds: (value) => /[@\uff20\ufe6b]|\bat\b/i.test(value) },
  ],
];

/** The rule for a member's name, in any of `cardNumber`, `card_number`, `Card-Number`; undefined when the name says nothing. */
export function findKeyRule(key: string): KeyRule | undefined {
  if (key.length > 64) return undefined;
  const words = key
    .normalize('NFKC')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
  return rules.find(([pattern]) => pattern.test(words))?.[1];
}
