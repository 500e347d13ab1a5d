import type { Json, JsonObject } from '../../contract/json.ts';
import type { Redacted } from '../../contract/receipts.ts';
import type { RedactJson } from '../../shared/redact-json.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { CheckedCall } from './questions.ts';

/**
 * Bytes of the arguments as JSON text, sent and redacted, and characters that redaction may read of them. An item of DynamoDB is at most 400 KB, and one
 * question takes some 0.1 s of CPU at most.
 */
export const shownBytesMax = 262_144;

/**
 * All of the arguments, redacted: a yes is for all of them, so people are asked only about what they can be shown whole. Throws Refusal
 * `arguments_unshowable`.
 */
export function shownArguments({ args, tool }: CheckedCall, redactJson: RedactJson): JsonObject {
  if (bytesOf(args.value) > shownBytesMax) throw unshowable(tooLong);
  const { value, pii } = redacted();
  if (pii.UNSCANNED !== undefined) throw unshowable(tooManyReadings);
  // Marks are longer than some of what they hide.
  if (bytesOf(value) > shownBytesMax) throw unshowable(tooLong);
  return value as JsonObject;

  function redacted(): Redacted {
    try {
      return redactJson(args.value, shownBytesMax);
    } catch (cause) {
      throw unshowable('they cannot be redacted', cause);
    }
  }

  function unshowable(why: string, cause?: unknown): Refusal {
    const reason = `A person must approve this call first, and nobody can be shown all of its arguments: ${why}. Send less at a time, in several calls.`;
    const isStructured = tool.entry.outputSchema === undefined;
    return new Refusal('arguments_unshowable', { reason, isStructured }, { cause });
  }
}

const tooLong = `they are longer than ${shownBytesMax} bytes`;
const tooManyReadings = 'they are too long for all the encodings that they may hide something in, or nest too deeply';

function bytesOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}
