package mcp.approval_test

import data.mcp.approval

question := {
	"now_ms": 1000,
	"approver": {"subject": "grace", "tenant": "acme", "kind": "human", "roles": ["reader", "approver"]},
	"approval": {
		"tenant": "acme",
		"subject": "oscar",
		"server": "write",
		"tool": "postgres.write",
		"state": "open",
		"expires_at_ms": 1001,
		"policy_revision": "r1",
	},
	"tenant": {"same_person": [["ada", "ada-admin"], ["oscar", "oscar-admin"]]},
	"answer": {"scope": "call"},
}

terms := {"calls_max": 10, "same": ["/database", "/table"]}

windowed := object.union(question, {
	"approval": {"window": terms},
	"tenant": {"windows": {"postgres.write": terms}},
	"answer": {"scope": "window"},
})

answer(asked) := result if {
	result := approval.decision with input as asked with data.revision as "r1"
}

changed(change) := answer(object.union(question, change))

test_an_approver_of_the_tenant_may_answer if {
	answer(question) == {"allow": true, "reasons": [], "revision": "r1"}
	changed({"approver": {"roles": ["platform-admin"]}}).allow
	answer(object.union(question, {"tenant": {"same_person": []}})).allow
	answer(json.remove(question, ["tenant/same_person"])).allow
}

test_nobody_else_may if {
	every roles in [[], ["operator"], ["approvers"], ["Approver"], null, "approver"] {
		changed({"approver": {"roles": roles}}).reasons == ["approver_role_missing"]
		not changed({"approver": {"roles": roles}}).allow
	}
}

test_an_agent_or_a_key_is_no_person if {
	every kind in ["agent", "tenant-key", "", null] {
		changed({"approver": {"kind": kind}}).reasons == ["approver_not_a_person"]
	}
}

test_nobody_answers_for_another_tenant if {
	changed({"approver": {"tenant": "globex"}}).reasons == ["tenant_differs"]
	changed({"approval": {"tenant": "globex"}}).reasons == ["tenant_differs"]
	changed({"approver": {"tenant": ""}, "approval": {"tenant": ""}}).reasons == ["tenant_differs"]
}

test_nobody_answers_their_own_question if {
	changed({"approval": {"subject": "grace"}}).reasons == ["own_request"]
	not changed({"approval": {"subject": "grace"}}).allow
}

test_a_second_account_is_the_same_person if {
	changed({"approver": {"subject": "oscar-admin"}}).reasons == ["own_request"]
	changed({"approver": {"subject": "oscar"}, "approval": {"subject": "oscar-admin"}}).reasons == ["own_request"]
	changed({"approver": {"subject": "ada-admin"}}).allow
}

test_a_closed_question_is_not_answered_again if {
	every state in ["approved", "denied", "expired", "withdrawn", "", null] {
		changed({"approval": {"state": state}}).reasons == ["request_closed"]
	}
}

test_an_answer_comes_in_time if {
	changed({"now_ms": 1001}).reasons == ["request_expired"]
	every moment in ["1", null, [], {}] {
		changed({"now_ms": moment}).allow == false
		changed({"approval": {"expires_at_ms": moment}}).allow == false
	}
}

test_another_policy_asks_anew if {
	changed({"approval": {"policy_revision": "r0"}}).reasons == ["policy_changed"]
}

test_a_yes_is_to_one_call_or_to_a_window if {
	every scope in ["", "Window", "all", null, true, ["call"]] {
		changed({"answer": {"scope": scope}}).reasons == ["scope_unknown"]
	}
}

test_a_window_is_allowed_as_it_was_shown_and_as_the_tenant_wants_it if {
	answer(windowed).allow
	answer(object.union(windowed, {"approval": {"window": {"same": ["/table", "/database"]}}})).allow
	answer(object.union(windowed, {"approver": {"roles": ["operator"]}})).reasons == ["approver_role_missing"]
	answer(object.union(windowed, {"approval": {"subject": "grace"}})).reasons == ["own_request"]
}

test_a_window_that_nobody_offered_is_none if {
	refused := ["window_not_offered"]
	changed({"answer": {"scope": "window"}}).reasons == refused
	not changed({"answer": {"scope": "window"}}).allow
	answer(json.remove(windowed, ["approval/window"])).reasons == refused
	answer(json.remove(windowed, ["tenant/windows"])).reasons == refused
	answer(object.union(windowed, {"approval": {"tool": "postgres.read"}})).reasons == refused
	every path in ["calls_max", "same"] {
		answer(json.remove(windowed, [concat("/", ["approval/window", path])])).reasons == refused
		answer(json.remove(windowed, [concat("/", ["tenant/windows/postgres.write", path])])).reasons == refused
	}
	every seen in [{"calls_max": 11}, {"calls_max": "10"}, {"same": []}, {"same": ["/table"]}, {"same": "/table"}] {
		answer(object.union(windowed, {"approval": {"window": seen}})).reasons == refused
	}
}

test_a_missing_field_is_a_no if {
	every path in [
		"now_ms", "approver", "approver/subject", "approver/tenant", "approver/kind", "approver/roles",
		"approval", "approval/tenant", "approval/subject", "approval/state", "approval/expires_at_ms",
		"approval/policy_revision", "tenant", "answer", "answer/scope",
	] {
		answer(json.remove(question, [path])).allow == false
	}
}

test_nothing_is_a_no_with_every_reason if {
	answer({}) == {
		"allow": false,
		"reasons": [
			"approver_not_a_person", "approver_role_missing", "approver_unknown", "own_request", "policy_changed",
			"request_closed", "request_expired", "scope_unknown", "tenant_differs", "tenant_unknown",
		],
		"revision": "r1",
	}
}
