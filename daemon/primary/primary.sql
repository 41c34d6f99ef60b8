-- name: describe
-- Behind a pooler the pid that the protocol announced is not the one that answers.
select pg_backend_pid(), pg_is_in_recovery();

-- name: pin_session
-- What makes values the same everywhere, there and back, whatever the server and the role have set.
set timezone = 'UTC';
set datestyle = 'ISO, YMD';
set intervalstyle = 'iso_8601';
set extra_float_digits = 1;
set bytea_output = 'hex';
set standard_conforming_strings = on;
set array_nulls = on;
set xmloption = 'content';
set statement_timeout = 0;
set idle_in_transaction_session_timeout = '10min';
set client_connection_check_interval = '10s';
set jit = off;

-- name: pin_transaction
-- The same for one transaction, where the session is somebody else's a moment later.
set local timezone = 'UTC';
set local datestyle = 'ISO, YMD';
set local intervalstyle = 'iso_8601';
set local extra_float_digits = 1;
set local bytea_output = 'hex';
set local standard_conforming_strings = on;
set local array_nulls = on;
set local xmloption = 'content';
set local statement_timeout = 0;
set local idle_in_transaction_session_timeout = '10min';
set local jit = off;

-- name: begin_reading
begin isolation level repeatable read read only;

-- name: commit
commit;

-- name: roll_back
rollback;
