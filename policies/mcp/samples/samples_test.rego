# METADATA
# description: Questions that tests start from. Each is answered with yes.
package mcp.samples_test

now_ms := 1790000000000

tools := {
	"postgres.readonly": {
		"name": "postgres.readonly",
		"server": "read",
		"version": "1.0.0",
		"scopes": ["postgres:query:readonly"],
		"destructive": false,
		"definition_hash": "d1",
	},
	"postgres.write": {
		"name": "postgres.write",
		"server": "write",
		"version": "1.0.0",
		"scopes": ["postgres:write"],
		"destructive": true,
		"definition_hash": "d2",
	},
	"s3.list": {
		"name": "s3.list",
		"server": "read",
		"version": "1.0.0",
		"scopes": ["s3:list"],
		"destructive": false,
		"definition_hash": "d3",
	},
}

caller(role) := {
	"subject": "user-1",
	"tenant": "acme",
	"kind": "human",
	"roles": [role],
	"scopes": ["postgres:query:readonly", "postgres:write", "s3:list"],
	"client_id": "client-1",
}

call(role, name) := {
	"now_ms": now_ms,
	"method": "tools/call",
	"caller": caller(role),
	"tool": tools[name],
	"server": tools[name].server,
	"request": {"bytes": 300, "arguments_sha256": "a1"},
	"tenant": data.tenants.acme,
	"elevations": [],
}

message(role, method, server) := {
	"now_ms": now_ms,
	"method": method,
	"caller": caller(role),
	"server": server,
	"request": {"bytes": 100},
	"tenant": data.tenants.acme,
	"elevations": [],
}

listing(role) := {
	"now_ms": now_ms,
	"caller": caller(role),
	"tenant": data.tenants.acme,
	"tools": [tool | some tool in tools],
}

grant := {
	"kind": "call",
	"tenant": "acme",
	"subject": "user-1",
	"client_id": "client-1",
	"tool": "postgres.write",
	"definition_hash": "d2",
	"arguments_sha256": "a1",
	"approver": "user-2",
	"granted_at_ms": now_ms,
	"expires_at_ms": now_ms + 900000,
}

# Calls of this tool that have what is in `same` in common.
windowed(tool) := object.union(call("operator", tool), {
	"request": {"arguments_sha256": "a9", "same_sha256": "s1"},
	"tenant": {"windows": {tool: {"calls_max": 10, "same": ["/table"]}}},
})

window := object.union(object.remove(grant, {"arguments_sha256"}), {
	"kind": "window",
	"same_sha256": "s1",
	"calls_used": 0,
	"calls_max": 10,
})
