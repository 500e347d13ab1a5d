# METADATA
# description: >-
#   Calls per minute, by tenant and tool. The gateway counts first and asks then, so that calls at the same time
#   cannot pass together.
package mcp.quota

import data.mcp.lib.limits

# METADATA
# description: The answer after counting.
# entrypoint: true
decision := {
	"allow": allow,
	"reasons": sort(deny),
	"revision": data.revision,
}

default allow := false

# METADATA
# description: Counted, and within the limit.
# scope: document
allow if {
	_is_within_limit
	count(deny) == 0
}

# METADATA
# description: Why not.
# scope: document
deny contains "tenant_unknown" if not _tenant_is_known

deny contains "tool_missing" if not _tool_is_named

deny contains "limit_unknown" if not _limit_is_known

deny contains "counter_missing" if not _is_counted

deny contains "quota_exceeded" if {
	_is_counted
	_limit_is_known
	not _is_within_limit
}

_tenant_is_known if is_object(input.tenant)

_tool_is_named if is_string(input.tool.name)

_limit_is_known if is_number(limits.calls_per_minute)

# A call's ordinal starts at 1: a count below that was not counted.
_is_counted if {
	is_number(input.counters.tool_minute)
	input.counters.tool_minute >= 1
}

_is_within_limit if {
	_is_counted
	_limit_is_known
	input.counters.tool_minute <= limits.calls_per_minute
}
