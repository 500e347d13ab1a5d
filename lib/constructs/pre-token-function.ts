import * as cdk from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledgeWildcards } from './acknowledge-wildcards.ts';
import { lambdaDirectory } from './assets.ts';

/** Where the function looks machine clients up. */
export interface PreTokenFunctionProps {
  /** SSM path of the machine clients. */
  readonly clientsPath: string;
  /**
   * Code of the function, with `index.handler`.
   *
   * @default - the one in the package, `runtime/identity/pre-token.ts`
   */
  readonly code?: lambda.Code;
}

/**
 * Puts tenant, roles and kind into the access tokens of a user pool. It has no network of its own, reads one path of parameters and
 * nothing else.
 */
export class PreTokenFunction extends Construct {
  /** The function that Cognito calls before each token. */
  readonly function: lambda.Function;

  constructor(scope: Construct, id: string, props: PreTokenFunctionProps) {
    super(scope, id);
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logs.RetentionDays.THREE_MONTHS,
      removalPolicy: cdk.RemovalPolicy.DESTROY,
    });
    const role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    const logging = logGroup.grantWrite(role);
    const parameters = cdk.Stack.of(this).formatArn({
      service: 'ssm',
      resource: 'parameter',
      resourceName: `${props.clientsPath.slice(1)}/*`,
    });
    role.addToPolicy(new iam.PolicyStatement({ actions: ['ssm:GetParameter'], resources: [parameters] }));
    this.function = new lambda.Function(this, 'Function', {
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      handler: 'index.handler',
      code: props.code ?? lambda.Code.fromAsset(lambdaDirectory('pre-token')),
      // Cognito waits for five seconds. More memory is more CPU, which the first call after a pause needs.
      timeout: cdk.Duration.seconds(5),
      memorySize: 512,
      environment: { CLIENTS_PATH: props.clientsPath },
      role,
      logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
    });
    logging.applyBefore(this.function);
    acknowledgeWildcards(
      role,
      [parameters],
      'The parameters of this platform’s machine clients, whose ids are known only after the function is made.',
    );
  }
}
