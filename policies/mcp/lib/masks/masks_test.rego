package mcp.lib.masks_test

import data.mcp.lib.masks

email := {"schema": "public", "table": "customers", "column": "email", "method": "redact"}

name := {"schema": "public", "table": "customers", "column": "name", "method": "hash"}

test_a_tenant_adds_columns if {
	masks.columns == [email, name] with input.tenant.masked_columns as [name] with data.base.masked_columns as [email]
}

test_a_tenant_cannot_weaken_a_mask_for_everyone if {
	weaker := object.union(email, {"method": "last4"})
	masks.columns == [email] with input.tenant.masked_columns as [weaker] with data.base.masked_columns as [email]
}

test_the_same_column_of_another_table_is_another_column if {
	other := object.union(email, {"table": "suppliers"})
	masks.columns == [email, other] with input.tenant.masked_columns as [other] with data.base.masked_columns as [email]
}
