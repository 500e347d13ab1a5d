/** Of one item in the table of grants. */
export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

/** What one execution is started with. Its name is `requestId`, so that the same request starts one execution only. */
export interface WorkflowInput {
  readonly v: 1;
  readonly requestId: string;
  readonly tenant: string;
  /** Who asks, and who may therefore not answer. */
  readonly subject: string;
  /** The person behind `subject`, whatever account is used; `subject` itself where no claim says so. */
  readonly person: string;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** Where the request is kept. */
  readonly request: ItemKey;
  /** Where its yes is kept, or would be. */
  readonly grant: ItemKey;
  /** Where a yes to several calls is kept, or would be; absent where the question offers none. */
  readonly window?: ItemKey;
}

/** What a person said, as the workflow is told it after the store has it. */
export interface WorkflowAnswer {
  readonly verdict: 'approve' | 'deny';
  readonly approver: {
    readonly tenant: string;
    readonly subject: string;
    /** As in {@link WorkflowInput}. */
    readonly person: string;
  };
}

/** What the workflow waits for: that people are told, then that one of them answers. */
export type WorkflowStep = 'notice' | 'decision';

/** How executions fail: each is a reason to look. */
export const workflowFailures = {
  badQuestion: 'Toolgate.BadQuestion',
  noticeNotSent: 'Toolgate.NoticeNotSent',
  notAnotherPerson: 'Toolgate.NotAnotherPerson',
  outcomeUnknown: 'Toolgate.OutcomeUnknown',
} as const;

/** Partitions of the items that hold task tokens begin so. */
export const workflowPartition = 'workflow#';

/** Attribute with the task token, a credential: whoever has it may answer. It is nowhere else. */
export const taskTokenAttribute = 'task_token';

/** Where the token of a step is. */
export function workflowTaskKey(requestId: string, step: WorkflowStep): ItemKey {
  return { pk: `${workflowPartition}${requestId}`, sk: `task#${step}` };
}
