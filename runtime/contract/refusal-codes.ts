/**
 * Every no that Toolgate says, with the sentence that goes with it. Statuses live in one place only, `runtime/shared/refusal-forms.ts`.
 * A code is never renamed: clients branch on it and auditors count it.
 */
export const refusalCodes = {
  // transport
  host_not_allowed: 'The Host header names no host of this gateway.',
  origin_not_allowed: 'The Origin header names no origin that may call this gateway.',
  endpoint_not_found: 'There is no such endpoint.',
  method_not_allowed: 'This endpoint takes POST only.',
  media_type_unsupported: 'Send the message as application/json.',
  not_acceptable: 'Accept must allow application/json and text/event-stream.',
  body_too_large: 'The message is larger than this gateway reads.',
  encoding_unsupported: 'Send the message without Content-Encoding.',
  json_malformed: 'The body is not one JSON value in UTF-8.',
  json_too_complex: 'The message nests too deeply or has too many values.',
  json_unsafe: 'The message has a key or value that parsers read differently.',
  message_invalid: 'The body is not a JSON-RPC 2.0 request or notification.',
  batch_refused: 'JSON-RPC batches are refused: send one message a request.',
  header_mismatch: 'An MCP header differs from the body, or is missing.',
  version_unsupported: 'This protocol version is not supported.',
  envelope_missing: 'The request has no valid _meta envelope.',
  method_not_found: 'This method does not exist here.',
  params_invalid: 'The params are not valid for this method.',
  capability_missing: 'This call needs a capability that the client did not declare.',
  // authenticate
  credentials_missing: 'No bearer token was sent.',
  credentials_ambiguous: 'More than one credential was sent.',
  token_invalid: 'The token is not valid.',
  token_expired: 'The token has expired.',
  audience_mismatch: 'The token was issued for another resource.',
  identity_unavailable: 'The keys that verify tokens cannot be had right now.',
  // resolve
  server_unknown: 'There is no such server.',
  tool_unknown: 'Unknown tool.',
  version_sunset: 'This version has reached its sunset.',
  tool_disabled: 'This tool is disabled.',
  tool_quarantined: 'This tool is quarantined because its definition changed.',
  catalogue_unavailable: 'The catalogue cannot be read right now.',
  // authorize
  insufficient_scope: 'The token lacks a scope that this call needs.',
  policy_denied: 'Policy denies this call.',
  policy_unavailable: 'Policy gave no answer, which is a no.',
  obligation_unknown: 'Policy asks for something that this gateway cannot do.',
  // spend
  quota_exceeded: 'The limit is used up.',
  quota_unavailable: 'Calls cannot be counted right now, so none is let through.',
  // validate
  arguments_invalid: 'The arguments do not match the input schema.',
  // require elevation
  approval_required: 'A person must approve this call first.',
  approval_denied: 'A person refused this call.',
  arguments_unshowable: 'A person must approve this call first, and nobody can be shown all of its arguments.',
  request_state_invalid: 'The requestState is none for this call, or has expired: send the call again without it.',
  approval_unavailable: 'Approvals cannot be read right now.',
  // forward
  signing_unavailable: 'No token for the tool server can be signed right now.',
  upstream_unavailable: 'The tool server cannot be reached.',
  upstream_timeout: 'The tool server did not answer in time.',
  upstream_invalid: 'The tool server gave an answer that is not valid MCP.',
  upstream_too_large: 'The answer of the tool server is larger than allowed.',
  upstream_refused: 'The tool server refused the call.',
  client_cancelled: 'The client went away.',
  // redact
  redaction_failed: 'The result could not be made safe and was dropped.',
  // audit
  audit_unavailable: 'The call cannot be recorded, so it is not answered.',
  // registration
  manifest_invalid: 'The capability manifest is not valid.',
  declaration_invalid: 'The declaration is not valid, or the server says otherwise.',
  definition_changed: 'A published definition changed under the same version.',
  name_taken: 'Another server owns this name.',
  // approvals
  signature_invalid: 'The message is not signed by Slack.',
  signature_stale: 'The message was signed more than five minutes ago, or later than now.',
  message_replayed: 'This very message came before.',
  approver_unknown: 'Nobody knows an account for this person.',
  // boundaries
  address_not_allowed: 'The address is not one that this service may call.',
  shutting_down: 'This replica is shutting down.',
  internal_error: 'Something is broken on our side.',
} as const;

/**
 * Where a result with isError keeps its code and details, under `_meta`. Not in structuredContent: clients hold that against the tool's
 * output schema even in an error, and then show neither.
 */
export const errorMetaKey = 'dev.toolgate/error';

export type RefusalCode = keyof typeof refusalCodes;
