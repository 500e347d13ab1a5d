// A team's stack: one tool server on a platform that another team deployed.
import { App, Duration, Stack } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Approval, McpPlatform, ToolServer, type ToolServerProps } from 'toolgate';

const app = new App();
const stack = new Stack(app, 'Billing');
const props: ToolServerProps = {
  platform: McpPlatform.fromPlatformName(stack, 'Platform', 'prod'),
  image: ContainerImage.fromRegistry('registry.example.com/billing-mcp:1'),
  owner: 'team-billing',
  slo: { availability: 99.9, latencyP95: Duration.millis(800) },
  scopes: {
    'billing:read': { words: 'read invoices' },
    'billing:write': { words: 'refund payments', changes: true },
  },
  tools: [
    { name: 'invoice.find', scopes: ['billing:read'] },
    { name: 'payment.refund', scopes: ['billing:write'], destructive: true, approval: Approval.required() },
  ],
};
new ToolServer(stack, 'Billing', props);
