# METADATA
# description: Lists objects in the object store.
package mcp.tools["s3.list"]

# METADATA
# description: Another server may not offer a tool under this name.
deny contains "server_unexpected" if not _is_offered_by_read

# METADATA
# description: A tool that reads is published as one that changes nothing.
deny contains "tool_not_readonly" if not _is_published_as_harmless

_is_offered_by_read if input.tool.server == "read"

_is_published_as_harmless if input.tool.destructive == false
