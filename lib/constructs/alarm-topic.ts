import * as cdk from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

const alarmService = 'cloudwatch.amazonaws.com';

/**
 * An encrypted topic that alarms of this account can reach. Its key is its own: AWS's key for SNS lets no alarm through. CloudWatch guide, "Amazon SNS
 * encryption".
 */
export function createAlarmTopic(scope: Construct, id: string, name: string): sns.Topic {
  const { account } = cdk.Stack.of(scope);
  const ofThisAccount = { StringEquals: { 'aws:SourceAccount': account } };
  const masterKey = new kms.Key(scope, `${id}Key`, {
    description: `Alarms of ${name}`,
    enableKeyRotation: true,
    removalPolicy: cdk.RemovalPolicy.DESTROY,
  });
  masterKey.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal(alarmService)],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: ['*'],
      conditions: ofThisAccount,
    }),
  );
  const topic = new sns.Topic(scope, id, { displayName: `Alarms of ${name}`, masterKey, enforceSSL: true });
  // A policy of one's own takes the place of the default one, which let the account's alarms in.
  topic.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal(alarmService)],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: ofThisAccount,
    }),
  );
  return topic;
}
