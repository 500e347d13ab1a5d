import { ObjectStoreError } from './object-store-signature.ts';

export interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly storedAtMs: number;
}

/** ListObjectsV2 of Amazon S3's REST API, as XML. Keys come in the order of their UTF-8 bytes. Throws {@link ObjectStoreError}. */
export function listObjects(
  bucket: string,
  objects: ReadonlyMap<string, StoredObject>,
  query: URLSearchParams,
): string {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const startAfter = query.get('start-after') ?? '';
  const token = query.get('continuation-token');
  const encodingType = query.get('encoding-type');
  if (encodingType !== null && encodingType !== 'url') throw invalid('Invalid Encoding Method specified in Request');
  const maxKeys = readMaxKeys(query.get('max-keys'));
  const after = token === null ? startAfter : openToken(token);
  const shown = (text: string) =>
    escapeXml(encodingType === 'url' ? encodeURIComponent(text).replaceAll('%2F', '/') : text);

  const contents: string[] = [];
  const prefixes: string[] = [];
  let last: string | undefined;
  let isTruncated = false;
  for (const key of [...objects.keys()].sort(compareBytes)) {
    if (!key.startsWith(prefix)) continue;
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const group = end === -1 ? undefined : key.slice(0, end + delimiter.length);
    const name = group ?? key;
    // A page that ended with a common prefix goes on behind everything under it.
    if (after !== '' && compareBytes(name, after) <= 0) continue;
    if (group !== undefined && group === last) continue;
    if (contents.length + prefixes.length >= maxKeys) {
      isTruncated = maxKeys > 0;
      break;
    }
    last = name;
    if (group !== undefined) prefixes.push(`<CommonPrefixes><Prefix>${shown(group)}</Prefix></CommonPrefixes>`);
    else contents.push(describe(key, objects.get(key) as StoredObject));
  }
  const fields = [
    element('Name', escapeXml(bucket)),
    element('Prefix', shown(prefix)),
    delimiter === '' ? '' : element('Delimiter', shown(delimiter)),
    encodingType === null ? '' : element('EncodingType', encodingType),
    token === null ? '' : element('ContinuationToken', escapeXml(token)),
    startAfter === '' ? '' : element('StartAfter', shown(startAfter)),
    element('KeyCount', String(contents.length + prefixes.length)),
    element('MaxKeys', String(maxKeys)),
    element('IsTruncated', String(isTruncated)),
    isTruncated && last !== undefined ? element('NextContinuationToken', sealToken(last)) : '',
  ];
  return `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${[...fields, ...contents, ...prefixes].join('')}</ListBucketResult>`;

  function describe(key: string, { bytes, etag, storedAtMs }: StoredObject): string {
    const members = [
      element('Key', shown(key)),
      element('LastModified', new Date(storedAtMs).toISOString()),
      element('ETag', `&quot;${etag}&quot;`),
      element('Size', String(bytes.length)),
      element('StorageClass', 'STANDARD'),
    ];
    return element('Contents', members.join(''));
  }
}

/** XML 1.0 § 2.2 has no word for most control characters, not even escaped; S3 writes them all the same, as references. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\p{Cc}]/gu, (letter) => `&#x${(letter.codePointAt(0) as number).toString(16)};`);
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

function readMaxKeys(text: string | null): number {
  const number = text === null ? 1_000 : Number(text);
  if (text === '' || !Number.isInteger(number) || number < 0 || number > 2_147_483_647) {
    throw invalid('Argument maxKeys must be an integer between 0 and 2147483647');
  }
  return Math.min(number, 1_000);
}

const tokenMark = 'after:';

function sealToken(name: string): string {
  return Buffer.from(tokenMark + name).toString('base64');
}

function openToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString('utf8');
  if (!text.startsWith(tokenMark)) throw invalid('The continuation token provided is incorrect');
  return text.slice(tokenMark.length);
}

function compareBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function invalid(sentence: string): ObjectStoreError {
  return new ObjectStoreError('InvalidArgument', 400, sentence);
}
