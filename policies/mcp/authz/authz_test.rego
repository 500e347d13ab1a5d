package mcp.authz_test

import data.mcp.authz
import data.mcp.samples_test as samples

answer(asked) := result if {
	result := authz.decision with input as asked with data.revision as "r1"
}

types(decision) := {demand.type | some demand in decision.obligations}

test_a_role_and_its_scopes_open_a_tool if {
	answer(samples.call("reader", "postgres.readonly")) == {
		"allow": true,
		"reasons": ["role_granted"],
		"obligations": [
			{"type": "max_result_bytes", "bytes": 1048576},
			{"type": "mask_columns", "columns": data.base.masked_columns},
			{"type": "quota", "limit": 60, "window_ms": 60000},
			{"type": "max_rows", "rows": 1000},
			{"type": "redact_pii"},
		],
		"revision": "r1",
	}
}

test_a_tool_without_package_of_its_own_has_the_obligations_of_all if {
	call := object.union(samples.call("reader", "s3.list"), {
		"tool": {"name": "fixture.echo", "scopes": []},
		"tenant": {"tools_by_role": {"reader": ["fixture.echo"]}},
	})
	types(answer(call)) == {"max_result_bytes", "quota", "redact_pii"}
}

test_nothing_is_a_no_with_every_reason_that_there_is if {
	answer({}) == {
		"allow": false,
		"reasons": ["caller_unknown", "method_unknown", "request_too_large", "tenant_unknown", "time_unknown"],
		"obligations": [],
		"revision": "r1",
	}
}

test_without_its_role_a_tool_is_not_granted if {
	answer(samples.call("reader", "postgres.write")).reasons == ["role_not_granted"]
}

test_without_its_scopes_a_tool_is_not_open if {
	call := object.union(samples.call("reader", "s3.list"), {"caller": {"scopes": ["postgres:query:readonly"]}})
	answer(call).reasons == ["scope_missing"]
}

test_a_missing_field_is_a_no if {
	paths := {
		"caller/subject", "caller/tenant", "caller/kind", "caller/client_id", "caller/roles", "caller/scopes",
		"caller", "tenant", "tenant/tools_by_role", "method", "now_ms", "request/bytes", "request", "tool", "tool/name",
		"tool/scopes", "tool/server", "tool/destructive",
	}
	every path in paths {
		answer(json.remove(samples.call("reader", "postgres.readonly"), [path])).allow == false
	}
}

test_a_field_of_another_kind_is_a_no if {
	wrong := {
		"caller": [
			{"subject": ""}, {"subject": 1}, {"tenant": ""}, {"tenant": null},
			{"roles": "reader"}, {"scopes": {"a": "s3:list"}},
		],
		"tool": [{"scopes": "s3:list"}, {"name": 1}, {"name": ["s3.list"]}],
		"request": [{"bytes": "1"}, {"bytes": -1}],
	}
	every part, changes in wrong {
		every change in changes {
			answer(object.union(samples.call("reader", "s3.list"), {part: change})).allow == false
		}
	}
}

test_a_tool_that_is_off_is_denied if {
	answer(samples.call("reader", "s3.list")).reasons == ["tool_disabled"] with data.base.disabled_tools as ["s3.list"]
	call := object.union(samples.call("reader", "s3.list"), {"tenant": {"disabled_tools": ["s3.list"]}})
	answer(call).reasons == ["tool_disabled"]
}

test_a_tools_package_denies if {
	call := object.union(samples.call("reader", "s3.list"), {"tool": {"server": "evil"}})
	answer(call).reasons == ["server_unexpected"]
}

test_a_message_over_the_limit_is_denied if {
	call := object.union(samples.call("reader", "s3.list"), {"request": {"bytes": 131073}})
	answer(call).reasons == ["request_too_large"]
}

test_a_limit_that_is_no_number_is_a_no if {
	every limits in [{"calls_per_minute": {"s3.list": "60"}}, {"result_bytes_max": {"s3.list": null}}] {
		answer(object.union(samples.call("reader", "s3.list"), {"tenant": limits})).reasons == ["limit_unknown"]
	}
}

test_a_destructive_tool_needs_a_persons_yes if {
	decision := answer(samples.call("operator", "postgres.write"))
	decision.allow
	decision.reasons == ["role_granted"]
	"require_approval" in types(decision)
}

test_such_a_demand_offers_the_window_that_the_tenant_wants if {
	windowed := samples.windowed("postgres.write")
	offer := {"type": "require_approval", "reason": "destructive_tool", "window": {"calls_max": 10, "same": ["/table"]}}
	offer in answer(windowed).obligations
	every path in ["tenant/windows/postgres.write", "tenant/windows/postgres.write/same"] {
		{"type": "require_approval", "reason": "destructive_tool"} in answer(json.remove(windowed, [path])).obligations
	}
	elevated := answer(object.union(windowed, {"elevations": [samples.window]}))
	elevated.reasons == ["elevated", "role_granted"]
	not "require_approval" in types(elevated)
}

test_a_persons_yes_takes_that_demand_away if {
	decision := answer(object.union(samples.call("operator", "postgres.write"), {"elevations": [samples.grant]}))
	decision.allow
	decision.reasons == ["elevated", "role_granted"]
	not "require_approval" in types(decision)
}

test_a_persons_yes_opens_nothing_that_a_role_does_not if {
	call := object.union(samples.call("reader", "postgres.write"), {"elevations": [samples.grant]})
	answer(call) == {"allow": false, "reasons": ["role_not_granted"], "obligations": [], "revision": "r1"}
}

test_what_does_not_say_that_it_is_harmless_is_destructive if {
	call := object.union(samples.call("reader", "s3.list"), {
		"tool": {"name": "fixture.echo", "scopes": []},
		"tenant": {"tools_by_role": {"reader": ["fixture.echo"]}},
	})
	"require_approval" in types(answer(json.remove(call, ["tool/destructive"])))
	"require_approval" in types(answer(object.union(call, {"tool": {"destructive": null}})))
}

test_a_tenant_may_take_results_of_a_tool_out_of_the_search_for_personal_data if {
	tenant := {"unredacted_tools": ["postgres.readonly"]}
	call := object.union(samples.call("reader", "postgres.readonly"), {"tenant": tenant})
	not "redact_pii" in types(answer(call))
	"mask_columns" in types(answer(call))
}

test_discovery_is_open_to_who_has_something_there if {
	answer(samples.message("reader", "tools/list", "write")).reasons == ["entry_not_granted"]
	answer(samples.message("nobody", "tools/list", "read")).reasons == ["entry_not_granted"]
	answer(object.remove(samples.message("reader", "tools/list", "read"), {"server"})).allow
	every method in data.base.methods.discovery {
		decision := answer(samples.message("reader", method, "read"))
		decision.reasons == ["entry_granted"]
		decision.obligations == []
	}
}

test_resources_and_prompts_are_open_by_server if {
	every method in data.base.methods.server {
		decision := answer(samples.message("reader", method, "read"))
		decision.reasons == ["server_granted"]
		types(decision) == {"max_result_bytes", "redact_pii"}
		answer(samples.message("reader", method, "write")).reasons == ["server_not_granted"]
		answer(object.remove(samples.message("reader", method, "read"), {"server"})).reasons == ["server_not_granted"]
	}
}

test_a_method_that_nobody_knows_is_denied if {
	every method in ["tools/Call", "tools/call ", "resources/write", "", "sampling/createMessage"] {
		answer(samples.message("reader", method, "read")).reasons == ["method_unknown"]
	}
}

test_a_list_holds_what_could_be_called if {
	authz.visible == {"postgres.readonly", "s3.list"} with input as samples.listing("reader")
	authz.visible == {"postgres.readonly", "postgres.write", "s3.list"} with input as samples.listing("operator")
	authz.visible == set() with input as samples.listing("nobody")
}

test_a_list_is_empty_for_nobody if {
	authz.visible == set() with input as {}
	authz.visible == set() with input as object.remove(samples.listing("reader"), {"tenant"})
	authz.visible == set() with input as object.remove(samples.listing("reader"), {"caller"})
}

test_a_list_leaves_out_what_a_call_would_be_denied if {
	listing := samples.listing("operator")
	authz.visible == {"s3.list"} with input as object.union(listing, {"caller": {"scopes": ["s3:list"]}})
	not "s3.list" in authz.visible with input as listing with data.base.disabled_tools as ["s3.list"]
	not "postgres.write" in authz.visible with input as object.union(listing, {"caller": {"kind": "tenant-key"}})
	authz.visible == set() with input as listing with data.base.disabled_tools as null
}
