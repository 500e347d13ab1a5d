import type * as cdk from 'aws-cdk-lib';

/** What a tool server promises. */
export interface ServiceLevelObjective {
  /** Share of calls that are answered, percent, from 50 to 99.999. */
  readonly availability: number;
  /** 95th percentile of a call, up to an hour. */
  readonly latencyP95: cdk.Duration;
}

/** What a scope lets its holder do; people read it when they are asked for consent. */
export interface ScopeDeclaration {
  /** Completes "It may …": lower case, no full stop, at most 200 characters. */
  readonly words: string;
  /**
   * Whether the scope changes something. Such a scope is never granted unless it was asked for by name.
   *
   * @default false
   */
  readonly changes?: boolean;
}

/** One tool, as the server itself names it in its manifest. */
export interface ToolDeclaration {
  /** Unique on the platform: lower-case words of letters and digits joined by `.`, `_` or `-`, at most 64 characters. */
  readonly name: string;
  /** Every scope that a call needs, each one of `scopes`. */
  readonly scopes: string[];
  /**
   * Whether a call changes something outside the tool.
   *
   * @default false
   */
  readonly destructive?: boolean;
  /**
   * Who must agree to each call. A destructive tool says `Approval.required()`; no other tool says anything.
   *
   * @default - nobody
   */
  readonly approval?: Approval;
}

/** Who must agree to a call before it happens. */
export class Approval {
  /** A person, for this very call with these very arguments, once. */
  static required(): Approval {
    return new Approval('required');
  }

  /** `required`. */
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }
}
