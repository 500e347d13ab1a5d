import { randomBytes } from 'node:crypto';
import type { ApprovalStore } from '../../shared/approval-store.ts';
import {
  createSignApprovalReceipt,
  type SignApprovalReceipt,
} from '../../shared/signing-keys/sign-approval-receipt.ts';
import type { SigningKeys } from '../../shared/signing-keys/signing-keys.ts';
import { createDecisionWatch, type DecisionWatch } from './decision-watch.ts';
import { createRequestStates, type RequestStates } from './request-states.ts';
import type { StepUpSettings } from './step-up.ts';

/** What a gateway needs to ask people and to wait for them. */
export interface Approvals {
  readonly approvals: Pick<ApprovalStore, 'open' | 'find' | 'listClosed' | 'completeGrant'>;
  readonly decisions: DecisionWatch;
  readonly requestStates: RequestStates;
  readonly approvalSettings: ApprovalSettings;
  readonly signReceipt: SignApprovalReceipt;
  /** Undefined: nobody is sent to an authorization server. */
  readonly stepUp: StepUpSettings | undefined;
}

/** How a call waits for people. */
export interface ApprovalSettings {
  /** Longest wait of one message, milliseconds; 0 answers at once. */
  readonly holdMs: number;
  /** Where a request is shown, without the slash and the id behind it. */
  readonly pageUrl: string;
}

export interface ApprovalsOptions {
  readonly store: Approvals['approvals'];
  readonly now: () => number;
  readonly signingKeys: SigningKeys;
  /** Issuer of the receipts. */
  readonly publicUrl: string;
  /** Where a request is shown, without the slash and the id behind it. @default `/approvals` of `publicUrl` */
  readonly pageUrl?: string;
  /** Longest wait of one message, milliseconds. */
  readonly holdMs: number;
  /** Between two looks at what is waited for. @default 1000 */
  readonly pollMs?: number;
  /** 32 bytes, the same for every replica. @default a key of this process */
  readonly stateKey?: Uint8Array | undefined;
  /** @default nobody is sent to an authorization server */
  readonly stepUp?: StepUpSettings | undefined;
}

export function openApprovals(options: ApprovalsOptions): Approvals {
  const { store, now, signingKeys, publicUrl, holdMs, pollMs, stateKey = randomBytes(32) } = options;
  return {
    approvals: store,
    decisions: createDecisionWatch({
      listClosed: (requests) => store.listClosed(requests, now()),
      ...(pollMs !== undefined && { pollMs }),
    }),
    requestStates: createRequestStates({ key: stateKey, now }),
    approvalSettings: { holdMs, pageUrl: options.pageUrl ?? `${publicUrl}/approvals` },
    signReceipt: createSignApprovalReceipt({ now, keys: signingKeys, issuer: publicUrl }),
    stepUp: options.stepUp,
  };
}
