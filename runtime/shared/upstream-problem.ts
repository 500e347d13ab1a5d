/** `denied`: the person or the issuer said no. `silent`: no answer. `slow`: none in time. `unusable`: an answer that cannot be believed. */
export type UpstreamProblemKind = 'denied' | 'silent' | 'slow' | 'unusable';

/** Why the upstream issuer let nobody in. The message is for the log: it has no token, no code and no claim. */
export class UpstreamProblem extends Error {
  readonly kind: UpstreamProblemKind;
  constructor(kind: UpstreamProblemKind, message: string) {
    super(message);
    this.name = 'UpstreamProblem';
    this.kind = kind;
  }
}
