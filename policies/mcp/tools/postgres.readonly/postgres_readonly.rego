# METADATA
# description: Reads from the business database.
package mcp.tools["postgres.readonly"]

import data.mcp.lib.masks

# METADATA
# description: Another server may not offer a tool under this name.
deny contains "server_unexpected" if not _is_offered_by_read

# METADATA
# description: A tool that reads is published as one that changes nothing.
deny contains "tool_not_readonly" if not _is_published_as_harmless

# METADATA
# description: Masked columns and a cap on rows.
# scope: document
obligations contains {"type": "mask_columns", "columns": masks.columns}

obligations contains {"type": "max_rows", "rows": data.base.rows_max}

_is_offered_by_read if input.tool.server == "read"

_is_published_as_harmless if input.tool.destructive == false
