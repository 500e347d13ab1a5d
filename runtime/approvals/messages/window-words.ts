import type { WindowOffer } from '../../contract/approval.ts';
import { visibleLine } from './visible-text.ts';

/** What the third answer says, on the page and in Slack. */
export function windowLabel({ callsMax }: WindowOffer): string {
  return `Approve up to ${callsMax} calls like this for 15 minutes`;
}

/** One line for each argument that stays the same, as people read it. */
export function sameLines({ same }: WindowOffer): readonly string[] {
  return Object.entries(same).map(([pointer, value]) => visibleLine(`${nameOf(pointer)}: ${JSON.stringify(value)}`));
}

/** The steps of a JSON Pointer (RFC 6901 § 4), with a sign between them that no name of ours has. */
function nameOf(pointer: string): string {
  const steps = pointer.split('/').slice(1);
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')).join(' › ');
}
