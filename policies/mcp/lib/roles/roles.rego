# METADATA
# description: What the caller's roles open in the caller's own tenant.
package mcp.lib.roles

# METADATA
# description: One of the caller's roles names this tool. There is no wildcard.
grants_tool(name) if {
	some role in input.caller.roles
	name in input.tenant.tools_by_role[role]
}

# METADATA
# description: One of the caller's roles may use the resources and prompts of this server.
grants_server(name) if {
	some role in input.caller.roles
	name in input.tenant.servers_by_role[role]
}

# METADATA
# description: The caller may stand at this door. A door without a server is the door to all of them.
# scope: document
grants_entry if grants_server(input.server)

grants_entry if {
	some name in input.server_tools
	grants_tool(name)
}

grants_entry if {
	not input.server
	some role in input.caller.roles
	some _ in input.tenant.tools_by_role[role]
}

grants_entry if {
	not input.server
	some role in input.caller.roles
	some _ in input.tenant.servers_by_role[role]
}
