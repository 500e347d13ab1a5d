package mcp.lib.payload_test

import data.mcp.lib.payload

test_a_message_up_to_the_limit_passes if {
	payload.is_within_limit with input.request.bytes as 0 with data.base.request_bytes_max as 100
	payload.is_within_limit with input.request.bytes as 100 with data.base.request_bytes_max as 100
	not payload.is_within_limit with input.request.bytes as 101 with data.base.request_bytes_max as 100
}

test_a_size_that_is_no_number_does_not_pass if {
	not payload.is_within_limit with input as {} with data.base.request_bytes_max as 100
	every bytes in [null, "10", -1, true, [], {}] {
		not payload.is_within_limit with input.request.bytes as bytes with data.base.request_bytes_max as 100
	}
}

# In Rego every number is less than every string.
test_a_limit_that_is_no_number_holds_nothing_back_and_so_lets_nothing_through if {
	every limit in [null, "100", true, [], {}] {
		not payload.is_within_limit with input.request.bytes as 1 with data.base.request_bytes_max as limit
	}
}
