import type { Json, JsonObject } from '../../contract/json.ts';
import type { Redacted } from '../../contract/receipts.ts';
import type { RedactJson } from '../../shared/redact-json.ts';
import type { Covered, EntityType } from '../../shared/redactor/hits.ts';
import { Refusal } from '../../shared/refusal.ts';
import { isOfItsKind } from './is-of-its-kind.ts';
import type { CheckedCall } from './questions.ts';

/**
 * Bytes of the arguments as JSON text, sent and redacted, and characters that redaction may read of them. An item of DynamoDB is at most 400 KB, and one
 * question takes some 0.1 s of CPU at most.
 */
export const shownBytesMax = 262_144;

/**
 * All of the arguments, redacted: a yes is for all of them, so people are asked only about what they can be shown whole. A mask says how long what it covers is,
 * and covers nothing that may do something. Throws Refusal `arguments_unshowable`.
 */
export function shownArguments({ args, tool }: CheckedCall, redactJson: RedactJson): JsonObject {
  if (bytesOf(args.value) > shownBytesMax) throw unshowable(tooLong);
  let hiding: EntityType | undefined;
  const { value, pii } = redacted();
  if (pii.UNSCANNED !== undefined) throw unshowable(tooManyReadings);
  if (hiding !== undefined) throw unshowable(`what would be masked as ${hiding} may be more than that`, beside);
  // Masks are longer than some of what they hide.
  if (bytesOf(value) > shownBytesMax) throw unshowable(tooLong);
  return value as JsonObject;

  function redacted(): Redacted {
    try {
      return redactJson(args.value, shownBytesMax, mark);
    } catch (cause) {
      throw unshowable('they cannot be redacted', less, cause);
    }
  }

  function mark(covered: Covered): string {
    const { type, start, end } = covered;
    if (hiding === undefined && !isOfItsKind(covered)) hiding = type;
    return `<${type} of ${end - start} character${end - start === 1 ? '' : 's'}>`;
  }

  function unshowable(why: string, todo = less, cause?: unknown): Refusal {
    const reason = `A person must approve this call first, and nobody can be shown all of its arguments: ${why}. ${todo}`;
    const isStructured = tool.entry.outputSchema === undefined;
    return new Refusal('arguments_unshowable', { reason, isStructured }, { cause });
  }
}

const less = 'Send less at a time, in several calls.';
const beside =
  'Write it so that no secret and no personal data stands beside what the call does: leave it out, or give it in an argument of its own.';
const tooLong = `they are longer than ${shownBytesMax} bytes`;
const tooManyReadings =
  'they are too long for all the encodings that they may hide something in, nest too deeply, or name a member twice in JSON in a text';

function bytesOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}
