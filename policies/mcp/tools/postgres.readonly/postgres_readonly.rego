# METADATA
# description: Reads from the business database.
package mcp.tools["postgres.readonly"]

import data.mcp.lib.masks

# METADATA
# description: Another server may not offer a tool under this name.
deny contains "server_unexpected" if not input.tool.server == "read"

# METADATA
# description: A tool that reads is published as one that changes nothing.
deny contains "tool_not_readonly" if not input.tool.destructive == false

# METADATA
# description: Masked columns and a cap on rows.
obligations contains {"type": "mask_columns", "columns": masks.columns}

obligations contains {"type": "max_rows", "rows": data.base.rows_max}
