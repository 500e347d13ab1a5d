import * as cdk from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { ApprovalWorkflow } from './approval-workflow.ts';
import type { IAuditTrail } from './audit-trail.ts';
import { checkSlack } from './check-slack.ts';
import { generatedSecret } from './generated-secret.ts';
import { McpService, writableFolder } from './mcp-service.ts';
import type { PlatformServiceProps } from './platform-service-props.ts';
import type { IPolicyBundle } from './policy-bundle.ts';
import { servicePort } from './service-ports.ts';
import { type ApprovalsSettings, containerSettings } from './service-settings.ts';
import { sizingOf } from './service-sizing.ts';
import type { SlackConnection } from './slack-connection.ts';
import { slackSettings } from './slack-settings.ts';
import { drainTimeoutMs } from './stop-times.ts';
import { ToolgateImage } from './toolgate-image.ts';

/** What an approvals service needs. */
export interface ApprovalsServiceProps extends PlatformServiceProps {
  /** Where it records. */
  readonly audit: IAuditTrail;
  /** The rules that say who may answer. */
  readonly policy: IPolicyBundle;
  /** What watches each question; this service answers it and cannot start it. */
  readonly workflow: ApprovalWorkflow;
  /**
   * Where people are asked beside the page.
   *
   * @default - nowhere: they look at the page `/approvals`
   */
  readonly slack?: SlackConnection;
  /**
   * Seals the cookies of the page: 32 bytes in base64, or 43 letters and digits. With another key everybody signs in to it again.
   *
   * @default - a new one
   */
  readonly cookieKey?: secretsmanager.ISecret;
  /**
   * Another build of the approvals service.
   *
   * @default - the image that comes with Toolgate
   */
  readonly image?: ecs.ContainerImage;
}

/**
 * Where people say yes or no: `runtime/approvals` behind the public edge, at `/approvals` of the gateway's host, and with Slack over HTTP at
 * `/slack/interactions`. People sign in to the page at the platform's authorization server, which must know it: its `APPROVALS_URL`.
 */
export class ApprovalsService extends Construct {
  /** What answers. */
  readonly service: McpService;
  /** Seals the cookies of the page. */
  readonly cookieKey: secretsmanager.ISecret;

  constructor(scope: Construct, id: string, props: ApprovalsServiceProps) {
    super(scope, id);
    const { edge, stateTables, audit, policy, workflow, slack } = props;
    if (slack !== undefined) checkSlack(this, slack);
    this.cookieKey = props.cookieKey ?? this.makeCookieKey();
    this.service = new McpService(this, 'Service', {
      ...sizingOf(props),
      ...containerSettings(this.settings(props)),
      cluster: props.cluster,
      network: props.network,
      image: props.image ?? ToolgateImage.approvals(),
    });
    stateTables.grants.approvals(this.service);
    if (slack !== undefined) stateTables.grants.slack(this.service);
    workflow.grants.answer(this.service);
    audit.grants.write(this.service, 'approvals');
    policy.grants.read(this.service);

    const targetGroup = this.service.serveTargets(this, 'Targets', servicePort);
    // Slack proves itself by its signature and people by their cookie, so both stand in front of what asks for a token.
    const isCalledBySlack = slack?.signingSecret !== undefined;
    const paths = ['/approvals', '/approvals/*', ...(isCalledBySlack ? ['/slack/interactions'] : [])];
    edge.routeApprovals(targetGroup, paths);
    this.service.scaleOnRequests('Requests', targetGroup);
  }

  private settings(props: ApprovalsServiceProps): ApprovalsSettings {
    const { edge, policy, stateTables, audit, workflow } = props;
    return {
      PORT: String(servicePort),
      PUBLIC_URL: edge.gatewayUrl,
      AUTHORIZATION_ISSUER: edge.authorizationUrl,
      APPROVALS_COOKIE_KEY: ecs.Secret.fromSecretsManager(this.cookieKey),
      APPROVAL_WORKFLOW_ARN: workflow.stateMachine.stateMachineArn,
      ...slackSettings(props.slack),
      POLICY_DIR: `${writableFolder}/policy`,
      POLICY_PARAMETER: policy.parameter.parameterName,
      AUDIT_BUCKET: audit.bucket.bucketName,
      AUDIT_KMS_KEY_ID: audit.signingKey.keyArn,
      AUDIT_WRITER: 'approvals',
      TABLE_PREFIX: stateTables.tablePrefix,
      AWS_REGION: cdk.Stack.of(this).region,
      DRAIN_TIMEOUT_MS: drainTimeoutMs,
    };
  }

  private makeCookieKey(): secretsmanager.Secret {
    return generatedSecret(
      this,
      'CookieKey',
      'Seals the cookies of the approvals page',
      // Nothing outlives it but sign-ins of half an hour.
      cdk.RemovalPolicy.DESTROY,
      'what it seals is valid for 30 minutes; a new value and a restart sign everybody out of the page.',
    );
  }
}
