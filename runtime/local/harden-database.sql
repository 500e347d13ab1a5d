-- What every database behind Toolgate's PostgreSQL tools needs beyond its grants. Run it as a superuser, in each database, after the
-- roles toolgate_reader and toolgate_writer exist. It may be run again.

DO $$
DECLARE
  callable record;
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO toolgate_reader, toolgate_writer', current_database());

  -- Functions of the system that act, wait, read files, look into other sessions, or run a query that is given as text. Reading tables
  -- through them would leave no trace in the plan, on which masking depends.
  FOR callable IN
    SELECT oid::regprocedure AS signature
    FROM pg_catalog.pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace
      AND prokind IN ('f', 'p')
      AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
      AND (
        proname ~ '^(lo_|lo(read|write)$|pg_(advisory_|try_advisory_|stat_|ls_|read_|sleep|cancel_|terminate_|log|notify|prepared_|cursor|show_|get_replication|get_wal|wal_|replication_|export_|current_logfile|listening_|mcv_list_items|lock_status|blocking_pids))'
        OR proname ~ '(query|table|schema|database|cursor)_to_xml'
        OR proname IN ('set_config', 'setseed', 'nextval', 'setval', 'currval', 'lastval', 'currtid2', 'ts_stat', 'ts_rewrite', 'current_query')
      )
      -- Parsing a search query calls it by its other, harmless form.
      AND NOT (proname = 'ts_rewrite' AND pronargs = 3)
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', callable.signature);
  END LOOP;
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO toolgate_reader, toolgate_writer;
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
-- Serial columns call it in the name of whoever inserts.
GRANT EXECUTE ON FUNCTION nextval(regclass) TO toolgate_writer;

ALTER ROLE toolgate_reader SET default_transaction_read_only = on;
ALTER ROLE toolgate_reader SET temp_file_limit = '256MB';
ALTER ROLE toolgate_writer SET temp_file_limit = '256MB';
