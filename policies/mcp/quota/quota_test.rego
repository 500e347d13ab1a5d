package mcp.quota_test

import data.mcp.quota

question(calls) := {
	"tenant": {"calls_per_minute": {"t": 2}},
	"tool": {"name": "t"},
	"counters": {"tool_minute": calls},
}

answer(asked) := result if {
	result := quota.decision with input as asked with data.revision as "r1"
}

test_calls_up_to_the_limit_pass if {
	every calls in [1, 2] {
		answer(question(calls)) == {"allow": true, "reasons": [], "revision": "r1"}
	}
}

test_the_next_call_does_not if {
	answer(question(3)) == {"allow": false, "reasons": ["quota_exceeded"], "revision": "r1"}
}

test_a_call_that_was_not_counted_does_not_pass if {
	answer(object.remove(question(1), {"counters"})).reasons == ["counter_missing"]
	every calls in [null, "1", 0, -1, true, []] {
		answer(question(calls)).reasons == ["counter_missing"]
		answer(question(calls)).allow == false
	}
}

test_a_limit_that_is_no_number_lets_nothing_through if {
	every limit in ["60", null, [], {}] {
		asked := object.union(question(1), {"tenant": {"calls_per_minute": {"t": limit}}})
		answer(asked).allow == false
		"limit_unknown" in answer(asked).reasons
	}
}

test_an_unknown_tenant_or_tool_does_not_pass if {
	answer(object.remove(question(1), {"tenant"})).reasons == ["tenant_unknown"]
	answer(object.remove(question(1), {"tool"})).reasons == ["tool_missing"]
	answer({}).allow == false
}

test_without_own_limit_the_limit_for_everyone_holds if {
	asked := object.union(question(61), {"tool": {"name": "other"}})
	answer(asked).reasons == ["quota_exceeded"]
	answer(object.union(asked, {"counters": {"tool_minute": 60}})).allow
}
