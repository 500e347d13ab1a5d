# METADATA
# description: >-
#   May this person answer this question? Asked for a yes and for a no alike: a person who approves, of the same tenant,
#   and never the one who asked.
package mcp.approval

# METADATA
# description: The answer to one click.
# entrypoint: true
decision := {
	"allow": allow,
	"reasons": sort(deny),
	"revision": data.revision,
}

default allow := false

# METADATA
# description: Somebody else of the tenant, in time.
# scope: document
allow if {
	count(deny) == 0
	_scope_is_known
	_has_role
	_is_another_person
	_is_in_time
}

_roles := {"approver", "platform-admin"}

# METADATA
# description: Why not. Each asks `not _claim`, so that a missing field is a no.
# scope: document
deny contains "tenant_unknown" if not _tenant_is_known

deny contains "approver_unknown" if not _approver_is_known

deny contains "approver_not_a_person" if not _is_a_person

deny contains "approver_role_missing" if not _has_role

deny contains "tenant_differs" if not _is_of_the_tenant

deny contains "own_request" if not _is_another_person

deny contains "request_closed" if not _is_open

deny contains "request_expired" if not _is_in_time

deny contains "policy_changed" if not _policy_is_the_same

deny contains "scope_unknown" if not _scope_is_known

deny contains "window_not_offered" if {
	_is_for_window
	not _window_is_offered
}

_tenant_is_known if is_object(input.tenant)

_approver_is_known if {
	is_string(input.approver.subject)
	input.approver.subject != ""
}

_is_a_person if input.approver.kind == "human"

_has_role if {
	some role in input.approver.roles
	role in _roles
}

_is_of_the_tenant if {
	is_string(input.approver.tenant)
	input.approver.tenant != ""
	input.approver.tenant == input.approval.tenant
}

_is_another_person if {
	_approver_is_known
	is_string(input.approval.subject)
	input.approver.subject != input.approval.subject
	not _is_second_account
}

_is_second_account if {
	some accounts in input.tenant.same_person
	input.approver.subject in accounts
	input.approval.subject in accounts
}

_scope_is_known if input.answer.scope in {"call", "window"}

_is_for_window if input.answer.scope == "window"

# The person saw these terms, and the tenant still wants them for this tool.
_window_is_offered if {
	terms := input.tenant.windows[input.approval.tool]
	is_number(terms.calls_max)
	count(terms.same) > 0
	seen := input.approval.window
	seen.calls_max == terms.calls_max
	{pointer | some pointer in seen.same} == {pointer | some pointer in terms.same}
}

_is_open if input.approval.state == "open"

# In Rego any number is less than any string, so each is known to be a number first.
_is_in_time if {
	is_number(input.now_ms)
	is_number(input.approval.expires_at_ms)
	input.now_ms < input.approval.expires_at_ms
}

# A yes under another policy than the one that asked for it would open nothing.
_policy_is_the_same if {
	is_string(input.approval.policy_revision)
	input.approval.policy_revision == data.revision
}
