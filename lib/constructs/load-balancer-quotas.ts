import * as cdk from 'aws-cdk-lib';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { type IConstruct, Node } from 'constructs';

/** What AWS allows one Application Load Balancer, unless an account has more. */
export const loadBalancerQuotas = {
  /** Rules without the default ones. Can be raised. */
  rules: 100,
  targetGroups: 100,
  /** Certificates without the default ones. Can be raised. */
  certificates: 25,
  /** Listeners that verify client certificates. */
  mutualTlsListeners: 2,
  /** Values of all conditions of one rule. */
  conditionValues: 5,
} as const;

/**
 * Counts at synth what is put behind `loadBalancer` anywhere in the app. The rules of other apps are not seen: leave room for them by a
 * lower `rulesMax`.
 */
export function validateQuotas(loadBalancer: elbv2.ApplicationLoadBalancer, rulesMax: number): void {
  Node.of(loadBalancer).addValidation({ validate: () => quotaProblems(loadBalancer, rulesMax) });
}

/** What exceeds a quota, each as a sentence that says what to do. */
function quotaProblems(loadBalancer: elbv2.ApplicationLoadBalancer, rulesMax: number): string[] {
  const all = Node.of(loadBalancer).root.node.findAll();
  const arns = new Set(loadBalancer.listeners.map(({ listenerArn }) => listenerArn));
  const listeners = loadBalancer.listeners.map(({ node }) => node.defaultChild as elbv2.CfnListener);
  const rules = all.filter(isRule).filter(({ listenerArn }) => arns.has(listenerArn ?? ''));
  const certificates = all
    .filter(isCertificateList)
    .filter(({ listenerArn }) => arns.has(listenerArn))
    .flatMap((list) => (Array.isArray(list.certificates) ? list.certificates : []));
  const verifying = listeners.filter((each) => modeOf(each) === 'verify').length;
  const targetGroups = new Set([...listeners, ...rules].flatMap((each) => targetGroupsOf(each))).size;
  return [
    ...exceeding('rules', rules.length, rulesMax, 'ask AWS for more and say so in rulesMax, or use a second platform'),
    ...exceeding(
      'target groups',
      targetGroups,
      loadBalancerQuotas.targetGroups,
      'this quota is fixed: put services behind a second load balancer',
    ),
    ...exceeding(
      'certificates beside the default ones',
      certificates.length,
      loadBalancerQuotas.certificates,
      'use one certificate with several names or a wildcard',
    ),
    ...exceeding(
      'listeners that verify client certificates',
      verifying,
      loadBalancerQuotas.mutualTlsListeners,
      'put the CAs into one trust store',
    ),
    ...rules.flatMap((rule) =>
      exceeding(
        `condition values in the rule ${rule.node.path}`,
        conditionValues(rule),
        loadBalancerQuotas.conditionValues,
        'split it into two rules',
      ),
    ),
  ];
}

function exceeding(what: string, count: number, allowed: number, advice: string): string[] {
  return count <= allowed ? [] : [`${count} ${what}, and a load balancer has at most ${allowed}: ${advice}`];
}

function isRule(each: IConstruct): each is elbv2.CfnListenerRule {
  return elbv2.CfnListenerRule.isCfnListenerRule(each);
}

function isCertificateList(each: IConstruct): each is elbv2.CfnListenerCertificate {
  return elbv2.CfnListenerCertificate.isCfnListenerCertificate(each);
}

// The properties are lazy, so what they will be is asked for. Keys differ in case between resolved and raw forms.
interface Condition {
  readonly [config: string]: { readonly values?: readonly unknown[] } | undefined;
}

function conditionValues(rule: elbv2.CfnListenerRule): number {
  const conditions = cdk.Stack.of(rule).resolve(rule.conditions) as readonly Condition[] | undefined;
  return (conditions ?? [])
    .flatMap((each) => Object.values(each))
    .reduce((sum, config) => {
      return sum + (Array.isArray(config?.values) ? config.values.length : 0);
    }, 0);
}

function modeOf(listener: elbv2.CfnListener): string | undefined {
  return (cdk.Stack.of(listener).resolve(listener.mutualAuthentication) as { mode?: string } | undefined)?.mode;
}

interface Action {
  readonly targetGroupArn?: unknown;
  readonly forwardConfig?: { readonly targetGroups?: readonly { readonly targetGroupArn?: unknown }[] };
}

function targetGroupsOf(each: elbv2.CfnListener | elbv2.CfnListenerRule): string[] {
  const actions = elbv2.CfnListenerRule.isCfnListenerRule(each) ? each.actions : each.defaultActions;
  const resolved = (cdk.Stack.of(each).resolve(actions) as readonly Action[] | undefined) ?? [];
  return resolved
    .flatMap((action) => [
      action.targetGroupArn,
      ...(action.forwardConfig?.targetGroups ?? []).map((it) => it.targetGroupArn),
    ])
    .filter((arn) => arn !== undefined)
    .map((arn) => JSON.stringify(arn));
}
