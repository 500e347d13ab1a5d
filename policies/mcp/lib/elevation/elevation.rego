# METADATA
# description: A person's yes to one call, or to some that are alike, for a short time.
package mcp.lib.elevation

# Whatever a record claims, a yes is never open for longer: 15 minutes.
_duration_ms_max := 900000

# METADATA
# description: There is an open grant for this call by someone else than its caller.
is_granted if {
	some grant in input.elevations
	_is_for(grant, _this_call)
	_covers(grant)
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
}

# METADATA
# description: What a person may be offered to allow at once; undefined when the tenant wants no window for this tool.
window := terms if {
	terms := input.tenant.windows[input.tool.name]
	is_number(terms.calls_max)
	count(terms.same) > 0
}

_is_for(grant, call) if {
	grant.tenant == call.tenant
	grant.subject == call.subject
	grant.client_id == call.client_id
	grant.tool == call.tool
	grant.definition_hash == call.definition_hash
}

_covers(grant) if {
	grant.kind == "call"
	is_string(grant.arguments_sha256)
	grant.arguments_sha256 == input.request.arguments_sha256
}

# Other arguments than those that must stay the same may differ.
_covers(grant) if {
	grant.kind == "window"
	is_string(grant.same_sha256)
	grant.same_sha256 == input.request.same_sha256
	is_number(grant.calls_used)
	is_number(grant.calls_max)
	grant.calls_used >= 0
	grant.calls_used < grant.calls_max
	grant.calls_max <= window.calls_max
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
