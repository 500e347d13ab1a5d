import * as cdk from 'aws-cdk-lib';
import { Approval, type ToolServerProps } from '../../lib/index.ts';

/** What a team says of its tool server: one tool that reads, and one that changes something. */
export const billingServer: Pick<ToolServerProps, 'owner' | 'slo' | 'tools' | 'scopes'> = {
  owner: 'team-billing',
  slo: { availability: 99.9, latencyP95: cdk.Duration.millis(800) },
  tools: [
    { name: 'invoices.list', scopes: ['billing:read'] },
    { name: 'invoices.cancel', scopes: ['billing:write'], destructive: true, approval: Approval.required() },
  ],
  scopes: {
    'billing:read': { words: 'read invoices' },
    'billing:write': { words: 'cancel invoices, each time a person agrees', changes: true },
  },
};
