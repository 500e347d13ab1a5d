package mcp.lib.limits_test

import data.mcp.lib.limits

question := {"tool": {"name": "t"}, "tenant": {
	"calls_per_minute": {"t": 1},
	"request_bytes_max": {"t": 2},
	"result_bytes_max": {"t": 3},
}}

test_the_tenants_own_limit_comes_first if {
	limits.calls_per_minute == 1 with input as question
	limits.request_bytes_max == 2 with input as question
	limits.result_bytes_max == 3 with input as question
}

test_else_the_limit_for_everyone_holds if {
	base := {"calls_per_minute": 10, "request_bytes_max": 20, "result_bytes_max": 30}
	limits.calls_per_minute == 10 with input as {"tool": {"name": "u"}} with data.base as base
	limits.request_bytes_max == 20 with input as {} with data.base as base
	limits.result_bytes_max == 30 with input as {} with data.base as base
}

test_a_limit_of_zero_is_a_limit if {
	limits.calls_per_minute == 0 with input as question with input.tenant.calls_per_minute as {"t": 0}
}
