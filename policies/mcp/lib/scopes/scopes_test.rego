package mcp.lib.scopes_test

import data.mcp.lib.scopes

test_every_scope_of_the_tool_is_needed if {
	scopes.holds_all({"scopes": ["a", "b"]}) with input.caller.scopes as ["b", "c", "a"]
	not scopes.holds_all({"scopes": ["a", "b"]}) with input.caller.scopes as ["a"]
}

test_a_scope_is_a_whole_string if {
	not scopes.holds_all({"scopes": ["s3:list"]}) with input.caller.scopes as ["s3:list:all", "s3", "S3:LIST", "s3:*"]
	not scopes.holds_all({"scopes": ["s3:list"]}) with input.caller.scopes as "s3:list"
}

test_a_tool_without_a_list_of_scopes_is_held_by_nobody if {
	scopes.holds_all({"scopes": []}) with input.caller.scopes as []
	every tool in [{}, {"scopes": null}, {"scopes": "a"}, {"scopes": {"a": "a"}}] {
		not scopes.holds_all(tool) with input.caller.scopes as ["a"]
	}
}
