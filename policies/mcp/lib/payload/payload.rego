# METADATA
# description: Caps on what a message may weigh.
package mcp.lib.payload

import data.mcp.lib.limits

# METADATA
# description: The size is known and within the limit.
is_within_limit if {
	is_number(input.request.bytes)
	is_number(limits.request_bytes_max)
	input.request.bytes >= 0
	input.request.bytes <= limits.request_bytes_max
}
