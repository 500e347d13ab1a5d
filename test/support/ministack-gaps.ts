import type { Gap } from './emulated-assembly.ts';

/** What ministack 1.4.21 cannot deploy of the reference deployment. The list only shrinks: the deploy test fails when it must grow. */
export const ministackGaps: readonly Gap[] = [
  { type: 'AWS::ApplicationAutoScaling::ScalableTarget' },
  { type: 'AWS::ApplicationAutoScaling::ScalingPolicy' },
  { type: 'AWS::Athena::NamedQuery' },
  { type: 'AWS::Athena::WorkGroup' },
  // Metric math.
  { type: 'AWS::CloudWatch::Alarm', when: ({ Metrics }) => Metrics !== undefined },
  { type: 'AWS::Cognito::ManagedLoginBranding' },
  { type: 'AWS::EC2::EIP' },
  { type: 'AWS::EC2::FlowLog' },
  { type: 'AWS::EC2::NatGateway' },
  { type: 'AWS::EC2::SecurityGroupEgress' },
  { type: 'AWS::EC2::SecurityGroupIngress' },
  { type: 'AWS::ECS::ClusterCapacityProviderAssociations' },
  { type: 'AWS::Glue::Database' },
  { type: 'AWS::Glue::Table' },
  { type: 'AWS::Logs::MetricFilter' },
  { type: 'AWS::WAFv2::WebACLAssociation' },
];
