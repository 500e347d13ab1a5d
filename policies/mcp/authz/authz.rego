# METADATA
# description: May this caller do this? One yes or no for every method, with the reasons and what a yes demands.
package mcp.authz

import data.mcp.lib.elevation
import data.mcp.lib.limits
import data.mcp.lib.payload
import data.mcp.lib.roles
import data.mcp.lib.scopes

# METADATA
# description: The answer to one message.
# entrypoint: true
decision := {
	"allow": allow,
	"reasons": reasons,
	"obligations": obligations,
	"revision": data.revision,
}

# METADATA
# description: >-
#   Names of the tools, out of `input.tools`, that the caller may call as far as that is known without arguments. It
#   asks what `decision` asks, so a list and a call cannot differ.
# entrypoint: true
visible contains tool.name if {
	_caller_is_known
	_tenant_is_known
	some tool in input.tools
	roles.grants_tool(tool.name)
	scopes.holds_all(tool)
	_tool_is_enabled(tool.name)
	not _tool_package_denies(tool)
}

default allow := false

# METADATA
# description: Something grants it and nothing denies it.
# scope: document
allow if {
	count(deny) == 0
	_granted_by
}

# METADATA
# description: Codes, sorted. Never a caller's words.
reasons := sort(deny) if not allow

else := ["elevated", _granted_by] if _is_elevated_call

else := [_granted_by]

_granted_by := "role_granted" if {
	_kind == "call"
	_role_is_granted
}

_granted_by := "server_granted" if {
	_kind == "server"
	_server_is_granted
}

_granted_by := "entry_granted" if {
	_kind == "discovery"
	roles.grants_entry
}

_kind := "call" if {
	input.method == "tools/call"
} else := "discovery" if {
	input.method in data.base.methods.discovery
} else := "server" if {
	input.method in data.base.methods.server
}

# METADATA
# description: >-
#   Why not. Each asks `not _claim`, never `not f(input.x)`: the arguments of a call are looked up outside the `not`, so
#   that a missing field would make the denial undefined instead of true.
# scope: document
deny contains "caller_unknown" if not _caller_is_known

deny contains "tenant_unknown" if not _tenant_is_known

deny contains "time_unknown" if not _time_is_known

deny contains "method_unknown" if not _kind

deny contains "request_too_large" if not payload.is_within_limit

deny contains "tool_missing" if {
	_kind == "call"
	not _tool_is_named
}

deny contains "role_not_granted" if {
	_kind == "call"
	not _role_is_granted
}

deny contains "scope_missing" if {
	_kind == "call"
	not _scopes_are_held
}

deny contains "tool_disabled" if {
	_kind == "call"
	not _tool_of_call_is_enabled
}

deny contains "limit_unknown" if {
	_kind == "call"
	not _call_limit_is_known
}

deny contains "limit_unknown" if {
	_kind != "discovery"
	not _result_limit_is_known
}

deny contains code if {
	_kind == "call"
	some code in data.mcp.tools[input.tool.name].deny
}

deny contains "server_not_granted" if {
	_kind == "server"
	not _server_is_granted
}

deny contains "entry_not_granted" if {
	_kind == "discovery"
	not roles.grants_entry
}

_tenant_is_known if is_object(input.tenant)

_time_is_known if is_number(input.now_ms)

_tool_is_named if is_string(input.tool.name)

_role_is_granted if roles.grants_tool(input.tool.name)

_scopes_are_held if scopes.holds_all(input.tool)

_tool_of_call_is_enabled if _tool_is_enabled(input.tool.name)

_call_limit_is_known if is_number(limits.calls_per_minute)

_result_limit_is_known if is_number(limits.result_bytes_max)

_server_is_granted if roles.grants_server(input.server)

# Only a plain false: what does not say that it is harmless is destructive.
_tool_is_harmless if input.tool.destructive == false

_caller_is_known if {
	is_string(input.caller.subject)
	input.caller.subject != ""
	is_string(input.caller.tenant)
	input.caller.tenant != ""
	is_string(input.caller.client_id)
	is_string(input.caller.kind)
	is_array(input.caller.roles)
	is_array(input.caller.scopes)
}

_tool_is_enabled(name) if {
	is_array(data.base.disabled_tools)
	not _is_off_for_everyone(name)
	not _is_off_for_tenant(name)
}

_is_off_for_everyone(name) if name in data.base.disabled_tools

_is_off_for_tenant(name) if name in input.tenant.disabled_tools

# Only `with` asks a tool's package about a tool of a list in the very words in which it is asked about a call.
_tool_package_denies(tool) if {
	# regal ignore:with-outside-test-context
	some _ in data.mcp.tools[tool.name].deny with input.tool as tool
}

_is_elevated_call if {
	_kind == "call"
	input.tool.destructive == true
	elevation.is_granted
}

# METADATA
# description: What a yes demands; a no demands nothing.
obligations := [] if not allow

else := sort(_obligations)

_obligations contains {"type": "quota", "limit": limits.calls_per_minute, "window_ms": 60000} if _kind == "call"

_obligations contains {"type": "max_result_bytes", "bytes": limits.result_bytes_max} if _kind != "discovery"

_obligations contains {"type": "redact_pii"} if {
	_kind != "discovery"
	not _may_carry_pii
}

_obligations contains object.union({"type": "require_approval", "reason": "destructive_tool"}, _offer) if {
	_kind == "call"
	not _tool_is_harmless
	not _is_elevated_call
}

_obligations contains demand if {
	_kind == "call"
	some demand in data.mcp.tools[input.tool.name].obligations
}

default _offer := {}

_offer := {"window": elevation.window}

_may_carry_pii if input.tool.name in input.tenant.unredacted_tools
