package mcp.lib.roles_test

import data.mcp.lib.roles
import data.mcp.samples_test as samples

test_a_role_opens_the_tools_that_it_names if {
	roles.grants_tool("s3.list") with input as samples.call("reader", "s3.list")
	not roles.grants_tool("postgres.write") with input as samples.call("reader", "s3.list")
}

test_a_role_of_another_spelling_opens_nothing if {
	every role in ["Reader", "reader ", "", "__proto__"] {
		not roles.grants_tool("s3.list") with input as samples.call(role, "s3.list")
	}
}

test_a_wildcard_is_only_a_name if {
	not roles.grants_tool("s3.list") with input as samples.call("r", "s3.list")
		with input.tenant as {"tools_by_role": {"r": ["*"]}}
}

test_a_role_opens_the_servers_that_it_names if {
	roles.grants_server("read") with input as samples.message("reader", "resources/list", "read")
	not roles.grants_server("write") with input as samples.message("reader", "resources/list", "read")
}

test_a_tool_on_the_server_opens_its_door if {
	question := object.remove(samples.message("r", "ping", "fixture"), {"tenant"})
	tenant := {"tools_by_role": {"r": ["fixture.echo"]}}
	roles.grants_entry with input as question with input.tenant as tenant with input.server_tools as ["fixture.echo"]
	not roles.grants_entry with input as question with input.tenant as tenant with input.server_tools as ["other"]
	not roles.grants_entry with input as question with input.tenant as tenant
}

test_the_door_to_all_servers_opens_for_any_role_with_something if {
	question := object.remove(samples.message("r", "ping", "read"), {"tenant", "server"})
	roles.grants_entry with input as question with input.tenant as {"tools_by_role": {"r": ["t"]}}
	roles.grants_entry with input as question with input.tenant as {"tools_by_role": {}, "servers_by_role": {"r": ["s"]}}
	not roles.grants_entry with input as question with input.tenant as {"tools_by_role": {"r": []}}
}
