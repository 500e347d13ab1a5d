# METADATA
# description: A person's yes to one call, for a short time.
package mcp.lib.elevation

# Whatever a record claims, a yes is never open for longer: 15 minutes.
_duration_ms_max := 900000

# METADATA
# description: There is an open grant for this very call by someone else than its caller.
is_granted if {
	some grant in input.elevations
	_is_for_this_call(grant)
	_is_open(grant)
	_is_by_another(grant)
}

_is_for_this_call(grant) if {
	grant.tenant == input.caller.tenant
	grant.subject == input.caller.subject
	grant.client_id == input.caller.client_id
	grant.tool == input.tool.name
	grant.definition_hash == input.tool.definition_hash
	grant.arguments_sha256 == input.request.arguments_sha256
}

# In Rego any number is less than any string, so each is known to be a number first.
_is_open(grant) if {
	is_number(input.now_ms)
	is_number(grant.granted_at_ms)
	is_number(grant.expires_at_ms)
	grant.granted_at_ms <= input.now_ms
	input.now_ms < grant.expires_at_ms
	grant.expires_at_ms - grant.granted_at_ms <= _duration_ms_max
}

_is_by_another(grant) if {
	is_string(grant.approver)
	grant.approver != ""
	grant.approver != input.caller.subject
}
