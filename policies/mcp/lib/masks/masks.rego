# METADATA
# description: The columns to mask, named by their origin in the database.
package mcp.lib.masks

# METADATA
# description: A tenant adds columns; it cannot weaken how a column is masked for everyone.
columns := array.concat(data.base.masked_columns, _added)

_added := [column |
	some column in input.tenant.masked_columns
	not _is_masked_for_everyone(column)
]

_is_masked_for_everyone(column) if {
	some known in data.base.masked_columns
	known.schema == column.schema
	known.table == column.table
	known.column == column.column
}
