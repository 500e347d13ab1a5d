// What a platform team and a tenant may name. A name that is not here may change at any time.
export { Alarms, type AlarmsProps } from './constructs/alarms.ts';
export { ApprovalWorkflow, type ApprovalWorkflowProps } from './constructs/approval-workflow.ts';
export { ApprovalWorkflowGrants } from './constructs/approval-workflow-grants.ts';
export { ApprovalsService, type ApprovalsServiceProps } from './constructs/approvals-service.ts';
export { AuditCatalog, type AuditCatalogProps } from './constructs/audit-catalog.ts';
export { AuditRetention } from './constructs/audit-retention.ts';
export {
  AuditTrail,
  type AuditTrailAttributes,
  type AuditTrailProps,
  type IAuditTrail,
} from './constructs/audit-trail.ts';
export { AuditTrailGrants } from './constructs/audit-trail-grants.ts';
export { AuthorizationService, type AuthorizationServiceProps } from './constructs/authorization-service.ts';
export { EdgeFirewall, type EdgeFirewallProps } from './constructs/edge-firewall.ts';
export { EdgeLogs, type EdgeLogsProps } from './constructs/edge-logs.ts';
export type { GatewayRouteProps, IPublicEdge, PathRouteProps } from './constructs/edge-routes.ts';
export { Egress, type EndpointsEgressOptions, type NatEgressOptions } from './constructs/egress.ts';
export { GatewayService, type GatewayServiceProps } from './constructs/gateway-service.ts';
export { IdentityProvider } from './constructs/identity-provider.ts';
export { type IIdentityProvider, OidcIssuer, type OidcIssuerAttributes } from './constructs/identity-provider-base.ts';
export type { AppClientProps, IdentityProviderProps } from './constructs/identity-provider-props.ts';
export { type JwtClaim, JwtClaimFormat, type JwtIssuer, JwtValidation } from './constructs/jwt-validation.ts';
export { MachineClient, type MachineClientParts, type MachineClientProps } from './constructs/machine-client.ts';
export { McpPlatform } from './constructs/mcp-platform.ts';
export type { IMcpPlatform } from './constructs/mcp-platform-base.ts';
export type { McpPlatformProps } from './constructs/mcp-platform-props.ts';
export { McpService, type McpServiceProps } from './constructs/mcp-service.ts';
export { MutualTls, type MutualTlsOptions, type TrustFile } from './constructs/mutual-tls.ts';
export { type IPlatformNetwork, PlatformNetwork, type PlatformNetworkProps } from './constructs/platform-network.ts';
export { PlatformProfile } from './constructs/platform-profile.ts';
export type { PlatformServiceProps } from './constructs/platform-service-props.ts';
export { type IPolicyBundle, PolicyBundle, type PolicyBundleProps } from './constructs/policy-bundle.ts';
export { PolicyBundleGrants } from './constructs/policy-bundle-grants.ts';
export { PreTokenFunction, type PreTokenFunctionProps } from './constructs/pre-token-function.ts';
export { PublicEdge } from './constructs/public-edge.ts';
export type { PublicEdgeProps } from './constructs/public-edge-props.ts';
export { RegistryService, type RegistryServiceProps } from './constructs/registry-service.ts';
export type { McpServiceSizing } from './constructs/service-sizing.ts';
export type { SlackApprover, SlackConnection } from './constructs/slack-connection.ts';
export {
  type IStateTables,
  StateTables,
  type StateTablesAttributes,
  type StateTablesProps,
} from './constructs/state-tables.ts';
export { StateTablesGrants } from './constructs/state-tables-grants.ts';
export {
  Approval,
  type ScopeDeclaration,
  type ServiceLevelObjective,
  type ToolDeclaration,
} from './constructs/tool-declaration.ts';
export type { ToolDomain, ToolScope } from './constructs/tool-domain.ts';
export { ToolEdge, type ToolEdgeAttributes, type ToolEdgeProps } from './constructs/tool-edge.ts';
export type { IToolEdge, ToolRoute } from './constructs/tool-edge-base.ts';
export { ToolRouting } from './constructs/tool-routing.ts';
export { ToolServer, type ToolServerProps } from './constructs/tool-server.ts';
export { ToolgateImage } from './constructs/toolgate-image.ts';
