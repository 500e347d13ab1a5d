package mcp.tools["postgres.write_test"]

import data.mcp.samples_test as samples
import data.mcp.tools["postgres.write"] as write_tool

tool := samples.tools["postgres.write"]

codes(changed) := result if {
	result := write_tool.deny with input.tool as changed with input.caller.kind as "human"
}

test_the_tool_as_published_is_not_denied if codes(tool) == set()

test_another_server_may_not_offer_it if {
	codes(object.union(tool, {"server": "evil"})) == {"server_unexpected"}
	codes(object.remove(tool, {"server"})) == {"server_unexpected"}
}

test_its_destructive_hint_is_as_published if {
	codes(object.union(tool, {"destructive": false})) == {"tool_not_destructive"}
	codes(object.union(tool, {"destructive": null})) == {"tool_not_destructive"}
	codes(object.remove(tool, {"destructive"})) == {"tool_not_destructive"}
}

test_only_a_person_or_an_agent_writes if {
	write_tool.deny == set() with input.tool as tool with input.caller.kind as "agent"
	write_tool.deny == {"caller_kind_not_allowed"} with input.tool as tool with input.caller.kind as "tenant-key"
	write_tool.deny == {"caller_kind_not_allowed"} with input.tool as tool with input.caller as {}
}

test_returned_rows_are_masked_and_capped if {
	write_tool.obligations == {
		{"type": "mask_columns", "columns": data.base.masked_columns},
		{"type": "max_rows", "rows": 1000},
	} with input.tenant as {}
}
