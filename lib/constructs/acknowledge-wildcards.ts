import * as cdk from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/**
 * Says for cdk-nag (AwsSolutions-IAM5) why these resources of a grant hold a star: one acknowledgement for each, never for the rule. cdk-nag
 * names a finding by the resource as the template writes it.
 */
export function acknowledgeWildcards(grantee: iam.IGrantable, resourceArns: readonly string[], reason: string): void {
  const principal: unknown = grantee.grantPrincipal;
  if (!Construct.isConstruct(principal)) return;
  const stack = cdk.Stack.of(principal);
  for (const arn of resourceArns) {
    const id = `AwsSolutions-IAM5[Resource::${flat(stack.resolve(arn))}]`;
    cdk.Validations.of(principal).acknowledge({ id, reason });
  }
}

/** As cdk-nag writes it: `<Bucket.Arn>/calls/*`. */
function flat(value: unknown): string {
  if (typeof value === 'string') return value.replaceAll('$' + '{', '<').replaceAll('}', '>');
  const { 'Fn::Join': join, 'Fn::Sub': sub, 'Fn::GetAtt': attribute, Ref: ref } = value as Record<string, unknown>;
  if (Array.isArray(join)) return (join[1] as unknown[]).map(flat).join(String(join[0]));
  if (typeof sub === 'string') return flat(sub);
  if (Array.isArray(attribute)) return `<${attribute.map(flat).join('.')}>`;
  if (typeof ref === 'string') return `<${ref}>`;
  return JSON.stringify(value);
}
