# METADATA
# description: A person's yes to one call, for a short time.
package mcp.lib.elevation

# Whatever a record claims, a yes is never open for longer: 15 minutes.
_duration_ms_max := 900000

# METADATA
# description: There is an open grant for this very call by someone else than its caller.
is_granted if {
	some grant in input.elevations
	_is_for(grant, _this_call)
	_is_open(grant, input.now_ms)
	_is_by_another(grant)
}

# Undefined when any of it is missing, and then no grant is for this call.
_this_call := {
	"tenant": input.caller.tenant,
	"subject": input.caller.subject,
	"client_id": input.caller.client_id,
	"tool": input.tool.name,
	"definition_hash": input.tool.definition_hash,
	"arguments_sha256": input.request.arguments_sha256,
}

_is_for(grant, call) if {
	grant.tenant == call.tenant
	grant.subject == call.subject
	grant.client_id == call.client_id
	grant.tool == call.tool
	grant.definition_hash == call.definition_hash
	grant.arguments_sha256 == call.arguments_sha256
}

# In Rego any number is less than any string, so each is known to be a number first.
_is_open(grant, now_ms) if {
	is_number(now_ms)
	is_number(grant.granted_at_ms)
	is_number(grant.expires_at_ms)
	grant.granted_at_ms <= now_ms
	now_ms < grant.expires_at_ms
	grant.expires_at_ms - grant.granted_at_ms <= _duration_ms_max
}

_is_by_another(grant) if {
	is_string(grant.approver)
	grant.approver != ""
	grant.approver != input.caller.subject
	not _is_second_account(grant.approver)
}

_is_second_account(subject) if {
	some accounts in input.tenant.same_person
	subject in accounts
	input.caller.subject in accounts
}
