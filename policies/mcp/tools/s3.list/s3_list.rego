# METADATA
# description: Lists objects in the object store.
package mcp.tools["s3.list"]

# METADATA
# description: Another server may not offer a tool under this name.
deny contains "server_unexpected" if not input.tool.server == "read"

# METADATA
# description: A tool that reads is published as one that changes nothing.
deny contains "tool_not_readonly" if not input.tool.destructive == false
