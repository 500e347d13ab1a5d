package mcp.lib.elevation_test

import data.mcp.lib.elevation
import data.mcp.samples_test as samples

elevated(grants) if {
	elevation.is_granted with input as samples.call("operator", "postgres.write") with input.elevations as grants
}

changed(change) := object.union(samples.grant, change)

test_an_open_grant_for_this_call_counts if {
	elevated([samples.grant])
	elevated([changed({"tenant": "globex"}), samples.grant])
}

test_a_grant_for_anything_else_does_not if {
	every key in ["kind", "tenant", "subject", "client_id", "tool", "definition_hash", "arguments_sha256"] {
		not elevated([changed({key: "other"})])
		not elevated([object.remove(samples.grant, {key})])
	}
}

test_a_grant_is_open_from_its_first_to_before_its_last_millisecond if {
	now := samples.now_ms
	elevated([changed({"granted_at_ms": now - 1, "expires_at_ms": now + 1})])
	not elevated([changed({"granted_at_ms": now - 1, "expires_at_ms": now})])
	not elevated([changed({"granted_at_ms": now + 1, "expires_at_ms": now + 2})])
}

test_a_grant_that_claims_more_than_fifteen_minutes_counts_for_nothing if {
	not elevated([changed({"expires_at_ms": samples.now_ms + 900001})])
}

test_times_that_are_no_numbers_count_for_nothing if {
	not elevation.is_granted with input as samples.call("operator", "postgres.write")
		with input.elevations as [samples.grant]
		with input.now_ms as null
	every value in ["9999999999999", null, true, []] {
		not elevated([changed({"expires_at_ms": value})])
		not elevated([changed({"granted_at_ms": value})])
	}
}

test_nobody_approves_their_own_call if {
	not elevated([changed({"approver": "user-1"})])
	not elevated([changed({"approver": ""})])
	not elevated([changed({"approver": null})])
	not elevated([object.remove(samples.grant, {"approver"})])
}

asked_with(accounts) := object.union(
	samples.call("operator", "postgres.write"),
	{"elevations": [samples.grant], "tenant": {"same_person": accounts}},
)

test_a_second_account_is_nobody_else if {
	not elevation.is_granted with input as asked_with([["a", "b"], ["user-1", samples.grant.approver]])
	elevation.is_granted with input as asked_with([["user-1", "b"], ["a", samples.grant.approver]])
}

test_a_call_whose_arguments_are_not_known_is_not_elevated if {
	question := object.union(samples.call("operator", "postgres.write"), {"elevations": [samples.grant]})
	not elevation.is_granted with input as json.remove(question, ["request/arguments_sha256"])
	not elevation.is_granted with input as json.remove(question, ["tool/definition_hash"])
}

in_window(grants) if {
	elevation.is_granted with input as samples.windowed("postgres.write") with input.elevations as grants
}

changed_window(change) := object.union(samples.window, change)

test_a_window_counts_for_calls_with_other_arguments if {
	in_window([samples.window])
	in_window([changed_window({"calls_used": 9})])
	in_window([changed_window({"calls_max": 2, "calls_used": 1})])
}

test_a_window_for_anything_else_does_not if {
	not in_window([object.union(samples.window, {"kind": "call"})])
	not in_window([samples.grant])
	every key in ["kind", "tenant", "subject", "client_id", "tool", "definition_hash", "same_sha256"] {
		not in_window([changed_window({key: "other"})])
		not in_window([object.remove(samples.window, {key})])
	}
}

test_a_window_has_so_many_calls_and_never_more_than_the_tenant_wants if {
	not in_window([object.remove(samples.window, {"calls_used"})])
	not in_window([object.remove(samples.window, {"calls_max"})])
	every change in [{"calls_used": 10}, {"calls_used": 11}, {"calls_used": -1}, {"calls_max": 11}, {"calls_max": 0}] {
		not in_window([changed_window(change)])
	}
	every value in ["1", null, [], true] {
		not in_window([changed_window({"calls_used": value})])
		not in_window([changed_window({"calls_max": value})])
	}
}

asked_in_window := object.union(samples.windowed("postgres.write"), {"elevations": [samples.window]})

test_a_window_needs_a_tenant_that_wants_one_and_a_call_that_is_known if {
	elevation.is_granted with input as asked_in_window
	unbound := {"calls_max": 10, "same": []}
	not elevation.is_granted with input as object.union(
		asked_in_window,
		{"tenant": {"windows": {"postgres.write": unbound}}},
	)
	every path in [
		"tenant/windows", "tenant/windows/postgres.write", "tenant/windows/postgres.write/calls_max",
		"tenant/windows/postgres.write/same", "request/same_sha256",
	] {
		not elevation.is_granted with input as json.remove(asked_in_window, [path])
	}
}

test_a_window_ends_and_is_by_another_like_any_yes if {
	not in_window([changed_window({"expires_at_ms": samples.now_ms})])
	not in_window([changed_window({"expires_at_ms": samples.now_ms + 900001})])
	not in_window([changed_window({"approver": "user-1"})])
}
