# METADATA
# description: Changes the business database. The approval itself is asked for by every destructive tool, see mcp.authz.
package mcp.tools["postgres.write"]

import data.mcp.lib.masks

# METADATA
# description: Another server may not offer a tool under this name.
deny contains "server_unexpected" if not input.tool.server == "write"

# METADATA
# description: Published as harmless, it would run without a person's yes.
deny contains "tool_not_destructive" if not input.tool.destructive == true

# METADATA
# description: A key that a whole tenant shares has no person behind it, so nobody could be told from their approver.
deny contains "caller_kind_not_allowed" if not input.caller.kind in {"human", "agent"}

# METADATA
# description: Rows that a statement returns are masked like rows that are read.
obligations contains {"type": "mask_columns", "columns": masks.columns}

obligations contains {"type": "max_rows", "rows": data.base.rows_max}
