# METADATA
# description: >-
#   The tenant's own limit for a tool, else the limit for everyone. A limit that is not a number is no limit that
#   anything can keep, so rules ask for it with `is_number`: in Rego, any number is less than any string.
package mcp.lib.limits

# METADATA
# description: Calls of one tool by one tenant in a minute.
calls_per_minute := limit if {
	limit := input.tenant.calls_per_minute[input.tool.name]
} else := data.base.calls_per_minute

# METADATA
# description: Bytes of the whole message, as received.
request_bytes_max := limit if {
	limit := input.tenant.request_bytes_max[input.tool.name]
} else := data.base.request_bytes_max

# METADATA
# description: Bytes of the result before redaction.
result_bytes_max := limit if {
	limit := input.tenant.result_bytes_max[input.tool.name]
} else := data.base.result_bytes_max
