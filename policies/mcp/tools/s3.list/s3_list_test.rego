package mcp.tools["s3.list_test"]

import data.mcp.samples_test as samples
import data.mcp.tools["s3.list"] as list_tool

tool := samples.tools["s3.list"]

codes(changed) := result if {
	result := list_tool.deny with input.tool as changed with input.caller.kind as "human"
}

test_the_tool_as_published_is_not_denied if codes(tool) == set()

test_another_server_may_not_offer_it if {
	codes(object.union(tool, {"server": "evil"})) == {"server_unexpected"}
	codes(object.remove(tool, {"server"})) == {"server_unexpected"}
}

test_its_destructive_hint_is_as_published if {
	codes(object.union(tool, {"destructive": true})) == {"tool_not_readonly"}
	codes(object.union(tool, {"destructive": null})) == {"tool_not_readonly"}
	codes(object.remove(tool, {"destructive"})) == {"tool_not_readonly"}
}
