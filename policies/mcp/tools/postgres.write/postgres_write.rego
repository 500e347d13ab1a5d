# METADATA
# description: Changes the business database. The approval itself is asked for by every destructive tool, see mcp.authz.
package mcp.tools["postgres.write"]

import data.mcp.lib.masks

# METADATA
# description: Another server may not offer a tool under this name.
deny contains "server_unexpected" if not _is_offered_by_write

# METADATA
# description: Published as harmless, it would run without a person's yes.
deny contains "tool_not_destructive" if not _is_published_as_destructive

# METADATA
# description: A key that a whole tenant shares has no person behind it, so nobody could be told from their approver.
deny contains "caller_kind_not_allowed" if not _caller_is_somebody

# METADATA
# description: Rows that a statement returns are masked like rows that are read.
# scope: document
obligations contains {"type": "mask_columns", "columns": masks.columns}

obligations contains {"type": "max_rows", "rows": data.base.rows_max}

_is_offered_by_write if input.tool.server == "write"

_is_published_as_destructive if input.tool.destructive == true

_caller_is_somebody if input.caller.kind in {"human", "agent"}
