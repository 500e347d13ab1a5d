import { createHash } from 'node:crypto';

/** ISO/IEC 7812-1 annex B. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    let digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    if (i % 2 === 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 === 0;
}

/** Whether an issuer numbers cards of this length with these first digits (ISO/IEC 7812 registry, schemes' published ranges). */
export function isCardRange(digits: string): boolean {
  const { length } = digits;
  const two = Number(digits.slice(0, 2));
  const four = Number(digits.slice(0, 4));
  if (digits.startsWith('4')) return length === 13 || length === 16 || length === 19;
  if (two === 34 || two === 37) return length === 15;
  if (two >= 51 && two <= 55) return length === 16;
  if (four >= 2221 && four <= 2720) return length === 16;
  if (four >= 2200 && four <= 2204) return length >= 16;
  if (two === 36 || two === 38 || two === 39 || (four >= 3000 && four <= 3059)) return length >= 14;
  if (four >= 3528 && four <= 3589) return length >= 16;
  if (four === 1800 || four === 2131) return length === 15;
  if (four === 9792) return length === 16;
  if (two === 81 || two === 82) return length === 16;
  if (two === 50 || (two >= 56 && two <= 69) || four === 604) return true;
  return false;
}

// What follows the check digits, by country: so many digits (n), letters (a) or either (c). SWIFT IBAN registry.
const ibanBodies =
  'AD8n12c AE19n AL8n16c AT16n AZ4a20c BA16n BE12n BG4a6n8c BH4a14c BI23n BR23n1a1c BY4c4n16c CH5n12c CR18n CY8n16c CZ20n DE18n DJ23n ' +
  'DK14n DO4c20n EE16n EG25n ES20n FI14n FK2a12n FO14n FR10n11c2n GB4a14n GE2a16n GI4a15c GL14n GR7n16c GT24c HN4a20n HR17n HU24n ' +
  'IE4a14n IL19n IQ4a15n IS22n IT1a10n12c JO4a4n18c KW4a22c KZ3n13c LB4n20c LC4a24c LI5n12c LT16n LU3n13c LV4a13c LY21n MC10n11c2n ' +
  'MD20c ME18n MK3n10c2n MN16n MR23n MT4a5n18c MU4a19n3a NI4a20n NL4a10n NO11n OM3n16c PK4a16c PL24n PS4a21c PT21n QA4a21c RO4a16c ' +
  'RS18n RU14n15c SA2n18c SC4a20n3a SD14n SE20n SI15n SK20n SM1a10n12c SO19n ST21n SV4a20n TL19n TN20n TR6n16c UA6n19c VA18n VG4a16n ' +
  'XK16n YE4a4n18c';

interface IbanForm {
  readonly length: number;
  readonly pattern: RegExp;
}

const ibanForms = new Map<string, IbanForm>(
  ibanBodies.split(' ').map((entry) => {
    const parts = [...entry.slice(2).matchAll(/(\d+)([nac])/g)].map(([, count, kind]) => ({
      count: Number(count),
      kind,
    }));
    const sets: Readonly<Record<string, string>> = { n: '[0-9]', a: '[A-Z]', c: '[0-9A-Z]' };
    const body = parts.map(({ count, kind }) => `${sets[kind ?? 'c']}{${count}}`).join('');
    const length = parts.reduce((sum, { count }) => sum + count, 4);
    return [entry.slice(0, 2), { length, pattern: new RegExp(`^[A-Z]{2}[0-9]{2}${body}$`) }];
  }),
);

/** How a country's IBANs look; undefined when it has none. */
export function ibanForm(country: string): IbanForm | undefined {
  return ibanForms.get(country);
}

/** ISO 13616: the rearranged number is 1 modulo 97. `iban` is upper case without separators. */
export function passesIban(iban: string): boolean {
  let rest = 0;
  for (let i = 0; i < iban.length; i += 1) {
    const code = iban.charCodeAt((i + 4) % iban.length);
    rest = code < 58 ? (rest * 10 + code - 48) % 97 : (rest * 100 + code - 55) % 97;
  }
  return rest === 1;
}

/** Area, group and serial as the Social Security Administration issues them; never-issued numbers are no SSN. */
export function isSsn(digits: string): boolean {
  const area = Number(digits.slice(0, 3));
  return area !== 0 && area !== 666 && area < 900 && !digits.startsWith('00', 3) && !digits.endsWith('0000');
}

/** IRS: starts with 9, fourth and fifth digit in 50-65, 70-88, 90-92, 94-99. */
export function isItin(digits: string): boolean {
  const group = Number(digits.slice(3, 5));
  return (
    digits.startsWith('9') && group >= 50 && group !== 66 && group !== 89 && group !== 93 && !(group > 65 && group < 70)
  );
}

/** ISBN-13 (EAN prefix 978 or 979 and its check digit). */
export function isIsbn13(digits: string): boolean {
  if (digits.length !== 13 || !/^97[89]/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < 13; i += 1) sum += (digits.charCodeAt(i) - 48) * (i % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}

/** ABA routing numbers: weights 3, 7, 1. */
export function isRoutingNumber(digits: string): boolean {
  if (digits.length !== 9) return false;
  let sum = 0;
  for (let i = 0; i < 9; i += 1) sum += (digits.charCodeAt(i) - 48) * ([3, 7, 1][i % 3] ?? 1);
  return sum % 10 === 0;
}

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Bitcoin's Base58Check: the last four bytes are the start of the double SHA-256 of the rest. */
export function passesBase58Check(address: string): boolean {
  let value = 0n;
  for (const character of address) value = value * 58n + BigInt(base58.indexOf(character));
  const bytes = Buffer.from(value.toString(16).padStart(50, '0'), 'hex');
  if (bytes.length !== 25) return false;
  const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest();
  return sha256(sha256(bytes.subarray(0, 21)))
    .subarray(0, 4)
    .equals(bytes.subarray(21));
}

const bech32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** BIP 173 and BIP 350. `address` is lower case and starts with `bc1`. */
export function passesBech32(address: string): boolean {
  const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  // The human-readable part "bc", expanded.
  const values = [3, 3, 0, 2, 3, ...[...address.slice(3)].map((character) => bech32.indexOf(character))];
  let checksum = 1;
  for (const value of values) {
    const top = checksum >>> 25;
    checksum = ((checksum & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of generators.entries()) if ((top >>> bit) & 1) checksum ^= generator;
  }
  return checksum === 1 || checksum === 0x2bc830a3;
}
