-- name: take_key
-- A key that nobody holds, and its lock until the session ends.
select key
  from (select (random() * 2147483646)::int as key from generate_series(1, 100)) as drawn
 where case when pg_try_advisory_lock(1953064038, key) then true end
 limit 1;

-- name: leftovers
-- Of runs on this database that are no more: their key is free.
select format('drop database if exists %I with (force)', datname)
  from pg_database
 where case when datname ~ format('^tidemark_scratch_%s_[0-9]+_[a-z]$', $1::text)
            then pg_has_role(datdba, 'usage')
                 and pg_try_advisory_lock(1953064038, split_part(datname, '_', 4)::int)
       end;

-- name: own_oid
select oid::text from pg_database where datname = current_database();

-- name: new_database
-- From template0, so that it is empty. What the locale's columns are called depends on the
-- version.
select name,
       format('create database %I template template0 encoding %L lc_collate %L lc_ctype %L',
              name, pg_encoding_to_char(encoding), datcollate, datctype)
       || case known ->> 'datlocprovider'
               when 'i' then format(' locale_provider icu icu_locale %L', locale)
               when 'b' then format(' locale_provider builtin builtin_locale %L', locale)
               else '' end,
       format('drop database if exists %I with (force)', name)
  from pg_database
 cross join lateral (values (to_jsonb(pg_database))) as row_of(known)
 cross join lateral (values (coalesce(known ->> 'datlocale', known ->> 'daticulocale'),
                             format('tidemark_scratch_%s_%s_%s', pg_database.oid, $1::text, $2::text))
            ) as derived(locale, name)
 where datname = current_database();
