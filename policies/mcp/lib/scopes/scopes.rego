# METADATA
# description: OAuth scopes are whole strings; a longer or shorter one is another scope.
package mcp.lib.scopes

# METADATA
# description: >-
#   The token holds every scope of the tool. A tool without a list of scopes is not a tool that needs none.
holds_all(tool) if {
	is_array(tool.scopes)
	every scope in tool.scopes {
		scope in input.caller.scopes
	}
}
