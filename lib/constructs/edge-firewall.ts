import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { checkWhole } from './check-props.ts';

/** What stands in front of a load balancer and how strict it is. */
export interface EdgeFirewallProps {
  /** ARN of the load balancer that it stands in front of. */
  readonly resourceArn: string;
  /**
   * Requests that one address may send in five minutes; beyond it is answered 403 until it is slower. A company behind one NAT address
   * is one address.
   *
   * @default 10000
   */
  readonly requestsPerAddress?: number;
  /**
   * Rules of `AWSManagedRulesCommonRuleSet` that count instead of blocking.
   *
   * @default - the ones that ordinary MCP and OAuth traffic meets, see `countedByDefault`
   */
  readonly countedCommonRules?: string[];
}

/**
 * Rules of the common set that legitimate traffic meets. The arguments of a tool are data: a body over 8 KB, a path with dots, a piece of
 * HTML. Schema, policy and redaction judge them, with an answer that a client understands. Native clients sign in with
 * `redirect_uri=http://127.0.0.1:…` in the query (RFC 8252), which looks like remote file inclusion, and with long queries; many agents
 * send no User-Agent. Source: AWS WAF Developer Guide, "Baseline rule groups".
 */
export const countedByDefault: readonly string[] = [
  'SizeRestrictions_BODY',
  'CrossSiteScripting_BODY',
  'GenericLFI_BODY',
  'GenericRFI_BODY',
  'GenericRFI_QUERYARGUMENTS',
  'SizeRestrictions_QUERYSTRING',
  'NoUserAgent_HEADER',
];

/**
 * AWS WAF in front of the public load balancer: addresses of ill repute, exploits that are known, the common set, and a limit per address.
 * On a load balancer WAF sees the first 8 KB of a body, and no setting changes that.
 *
 * About 9 USD a month (5 for the list, 1 for each of four rules) and 0.60 USD for a million requests, us-east-1.
 */
export class EdgeFirewall extends Construct {
  /** The web ACL. */
  readonly webAcl: wafv2.CfnWebACL;

  constructor(scope: Construct, id: string, props: EdgeFirewallProps) {
    super(scope, id);
    const limit = props.requestsPerAddress ?? 10_000;
    // AWS WAF API, "RateBasedStatement".
    checkWhole(this, 'requestsPerAddress', limit, 10, 2_000_000_000);
    const counted = props.countedCommonRules ?? countedByDefault;
    this.webAcl = new wafv2.CfnWebACL(this, 'WebAcl', {
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: visibility('edge'),
      rules: [
        {
          name: 'requests-per-address',
          priority: 0,
          action: { block: {} },
          statement: { rateBasedStatement: { limit, aggregateKeyType: 'IP', evaluationWindowSec: 300 } },
          visibilityConfig: visibility('requests-per-address'),
        },
        managed('address-reputation', 1, 'AWSManagedRulesAmazonIpReputationList'),
        managed('known-bad-inputs', 2, 'AWSManagedRulesKnownBadInputsRuleSet'),
        managed('common', 3, 'AWSManagedRulesCommonRuleSet', counted),
      ],
    });
    new wafv2.CfnWebACLAssociation(this, 'Association', {
      resourceArn: props.resourceArn,
      webAclArn: this.webAcl.attrArn,
    });
  }
}

function managed(
  name: string,
  priority: number,
  group: string,
  counted: readonly string[] = [],
): wafv2.CfnWebACL.RuleProperty {
  return {
    name,
    priority,
    overrideAction: { none: {} },
    statement: {
      managedRuleGroupStatement: {
        vendorName: 'AWS',
        name: group,
        ...(counted.length > 0 && {
          ruleActionOverrides: counted.map((rule) => ({ name: rule, actionToUse: { count: {} } })),
        }),
      },
    },
    visibilityConfig: visibility(name),
  };
}

// Sampled requests show headers, and those hold tokens.
function visibility(metricName: string): wafv2.CfnWebACL.VisibilityConfigProperty {
  return { cloudWatchMetricsEnabled: true, metricName, sampledRequestsEnabled: false };
}
