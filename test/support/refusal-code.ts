import assert from 'node:assert/strict';
import { Refusal } from '../../runtime/shared/refusal.ts';

/** The code of the Refusal that `promise` ends with, or `no refusal`; fails when it ends with another error. */
export async function refusalCode(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return error.code;
  }
  return 'no refusal';
}
