-- Tables and all that belongs to one, as objects of the schema catalog; the columns of the
-- answers are those of schema_types.sql. Whatever belongs to a table that is not listed
-- (of an extension, of another schema) is dropped by the reader. What a partition or a
-- child has from its parent is not listed either, nor the column tide_xid.

-- name: tables
-- create and inlined stand before and behind the list of columns.
select 'table', name,
       concat_ws(' ', 'table', 'partition of ' || parent, bound,
                 'inherits ' || inherits, 'partition by ' || partition_key),
       concat_ws(' ', 'create table', name, 'partition of ' || parent),
       format('drop table %s', name),
       'pg_class'::regclass::oid, oid, 0, null, null, null, name,
       case when bound is not null
            then format(E'alter table %1$s detach partition %2$s;\nalter table %1$s attach partition %2$s %3$s',
                        parent, name, bound) end,
       concat_ws(' ', 'table', 'partition of ' || parent, 'inherits ' || inherits,
                 'partition by ' || partition_key),
       concat(' ' || bound, ' inherits (' || inherits || ')', ' partition by ' || partition_key),
       null, null, null
  from (select pg_class.oid, format('%I.%I', nspname, relname) as name,
               case when relispartition then (select inhparent::regclass from pg_inherits
                                               where inhrelid = pg_class.oid) end as parent,
               pg_get_expr(relpartbound, pg_class.oid) as bound,
               case when not relispartition then
                    (select string_agg(inhparent::regclass::text, ', ' order by inhseqno) from pg_inherits
                      where inhrelid = pg_class.oid) end as inherits,
               pg_get_partkeydef(pg_class.oid) as partition_key
          from pg_class
          join pg_namespace on pg_namespace.oid = relnamespace
         where relkind in ('r', 'p') and relpersistence <> 't'
           and nspname !~ '^(pg_.*|information_schema|tidemark)$'
           and ($1::text[] is null or quote_ident(nspname) = any ($1))
           and not exists (select from pg_depend
                            where classid = 'pg_class'::regclass and objid = pg_class.oid
                              and deptype = 'e')) as found;

-- name: columns
-- alter ends where the reader of it writes "::" and the type.
select 'column', format('%s.%I', relation, attname), full_type || coalesce(' ' || generated, ''),
       format('alter table %s add column %I %s', relation, attname, full_type || coalesce(' ' || generated, '')),
       format('alter table %s drop column %I', relation, attname),
       'pg_class'::regclass::oid, attrelid, attnum, 'pg_class'::regclass::oid, attrelid, 0, null,
       case when generated is null
            then format('alter table %s alter column %I type %s using %I', relation, attname, full_type, attname)
       end, generated, format('%I %s', attname, full_type || coalesce(' ' || generated, '')),
       type, null, null
  from (select attrelid, attrelid::regclass as relation, attname, attnum,
               format_type(atttypid, atttypmod) as type,
               format_type(atttypid, atttypmod)
               || case when attcollation <> typcollation
                       then ' collate ' || attcollation::regcollation else '' end as full_type,
               case when attgenerated = 's'
                    then format('generated always as (%s) stored', pg_get_expr(adbin, adrelid)) end as generated
          from pg_attribute
          join pg_class on pg_class.oid = attrelid
          join pg_type on pg_type.oid = atttypid
          left join pg_attrdef on adrelid = attrelid and adnum = attnum
         where attrelid >= 16384 and relkind in ('r', 'p') and attnum > 0 and not attisdropped and attinhcount = 0
           and attname <> 'tide_xid') as found;

-- name: not_nulls
select 'not null', format('%s.%I', attrelid::regclass, attname), '',
       format('alter table %s alter column %I set not null', attrelid::regclass, attname),
       format('alter table %s alter column %I drop not null', attrelid::regclass, attname),
       'pg_attribute'::regclass::oid, attrelid, attnum, 'pg_class'::regclass::oid, attrelid, attnum,
       null, null, null, ' not null', null, null, null
  from pg_attribute
  join pg_class on pg_class.oid = attrelid
 where attrelid >= 16384 and relkind in ('r', 'p') and attnum > 0 and not attisdropped and attinhcount = 0
   and attname <> 'tide_xid' and attnotnull;

-- name: defaults
-- Views may have them too.
select 'default', name, expression, set_default, format('alter table %s alter column %I drop default', relation, attname),
       'pg_attrdef'::regclass::oid, oid, 0, 'pg_class'::regclass::oid, adrelid, adnum, null,
       set_default, null, ' default ' || expression, null, null, null
  from (select pg_attrdef.oid, adrelid, adnum, adrelid::regclass as relation, attname,
               format('%s.%I', adrelid::regclass, attname) as name, pg_get_expr(adbin, adrelid) as expression,
               format('alter table %s alter column %I set default %s', adrelid::regclass, attname,
                      pg_get_expr(adbin, adrelid)) as set_default
          from pg_attrdef
          join pg_attribute on attrelid = adrelid and attnum = adnum
         where adrelid >= 16384 and attgenerated = '' and attinhcount = 0 and attname <> 'tide_xid') as found;

-- name: identities
select 'identity', format('%s.%I', attrelid::regclass, attname), concat(how, ' ', options),
       format('alter table %s alter column %I add generated %s as identity%s', attrelid::regclass, attname, how,
              shown_options),
       format('alter table %s alter column %I drop identity', attrelid::regclass, attname),
       'pg_sequence'::regclass::oid, attrelid, attnum, 'pg_class'::regclass::oid, attrelid, attnum,
       sequence_name, format('alter table %s alter column %I set generated %s %s', attrelid::regclass, attname, how,
              set_options), null,
       format(' generated %s as identity%s', how, shown_options), null, null, null
  from (select attrelid, attname, attnum,
               case attidentity when 'a' then 'always' else 'by default' end as how,
               seqrelid::regclass::text as sequence_name, options, set_options,
               case when seqstart = 1 and seqincrement = 1 and seqmin = 1 and seqcache = 1 and not seqcycle
                         and seqmax = case seqtypid when 'int2'::regtype then 32767
                                                    when 'int4'::regtype then 2147483647
                                                    else 9223372036854775807 end
                    then '' else ' (' || options || ')' end as shown_options
          from pg_attribute
          join pg_depend on classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass
                        and refobjid = attrelid and refobjsubid = attnum and deptype = 'i'
          join pg_sequence on seqrelid = objid
         cross join lateral (values (
                  format('start with %s increment by %s minvalue %s maxvalue %s cache %s %s', seqstart,
                         seqincrement, seqmin, seqmax, seqcache, case when seqcycle then 'cycle' else 'no cycle' end),
                  format('set start with %s set increment by %s set minvalue %s set maxvalue %s set cache %s set %s',
                         seqstart, seqincrement, seqmin, seqmax, seqcache,
                         case when seqcycle then 'cycle' else 'no cycle' end))
                ) as text(options, set_options)
         where attidentity <> '' and attinhcount = 0) as found;

-- name: column_options
select 'column option', format('%s.%I %s', attrelid::regclass, attname, option.name), option.value,
       format('alter table %s alter column %I %s', attrelid::regclass, attname, option.set_it),
       format('alter table %s alter column %I %s', attrelid::regclass, attname, option.reset_it),
       null, null, null, 'pg_class'::regclass::oid, attrelid, attnum, null,
       format('alter table %s alter column %I %s', attrelid::regclass, attname, option.set_it),
       null, null, null, null, null
  from pg_attribute
  join pg_class on pg_class.oid = attrelid
  join pg_type on pg_type.oid = atttypid
 cross join lateral (
           select 'storage', words ->> attstorage::text, 'set storage ' || (words ->> attstorage::text),
                  'set storage ' || (words ->> typstorage::text)
             from (select '{"p": "plain", "e": "external", "m": "main", "x": "extended"}'::jsonb) as words(words)
            where attstorage <> typstorage
           union all
           select 'compression', method, 'set compression ' || method, 'set compression default'
             from (values (case attcompression when 'p' then 'pglz' when 'l' then 'lz4' end)) as chosen(method)
            where attcompression <> ''
           union all
           select 'statistics', attstattarget::text, 'set statistics ' || attstattarget, 'set statistics -1'
            where attstattarget >= 0
           union all
           select split_part(setting, '=', 1), setting, format('set (%s)', setting),
                  format('reset (%s)', split_part(setting, '=', 1))
             from unnest(attoptions) as setting
            where setting ~ '^n_distinct' -- the server keeps notes of its own beside them
       ) as option(name, value, set_it, reset_it)
 where attrelid >= 16384 and relkind in ('r', 'p') and attnum > 0 and not attisdropped and attinhcount = 0
   and attname <> 'tide_xid';

-- name: constraints
-- Of tables and of domains. One that only was validated is not made anew.
select case contype when 'f' then 'foreign key' else 'constraint' end,
       format('%s.%I', holder, conname), definition,
       format('alter %s %s add constraint %I %s', what, holder, conname, definition),
       format('alter %s %s drop constraint %I', what, holder, conname),
       'pg_constraint'::regclass::oid, oid, 0, holder_class, holder_oid, 0,
       case when contype in ('p', 'u', 'x') then format('%I.%I', nspname, conname) end,
       case when convalidated then format('alter %s %s validate constraint %I', what, holder, conname) end,
       regexp_replace(definition, ' NOT VALID$', ''),
       case when convalidated and contype <> 'f' and what = 'table'
            then format('constraint %I %s', conname, definition) end, null, null, null
  from (select pg_constraint.oid, conname, contype, convalidated, nspname,
               pg_get_constraintdef(pg_constraint.oid) as definition,
               case when contypid = 0 then 'table' else 'domain' end as what,
               case when contypid = 0 then conrelid::regclass::text else contypid::regtype::text end as holder,
               case when contypid = 0 then 'pg_class'::regclass::oid else 'pg_type'::regclass::oid end as holder_class,
               case when contypid = 0 then conrelid else contypid end as holder_oid
          from pg_constraint
          join pg_namespace on pg_namespace.oid = connamespace
         where pg_constraint.oid >= 16384 and contype in ('p', 'u', 'c', 'x', 'f') and conparentid = 0 and coninhcount = 0) as found;

-- name: indexes
-- Those of a constraint come with it, those of a partition with its parent's.
select 'index', name, definition, create_index, format('drop index %s', name),
       'pg_class'::regclass::oid, indexrelid, 0, 'pg_class'::regclass::oid, indrelid, 0, name,
       null, null, null, null, null, null
  from (select indexrelid, indrelid, indexrelid::regclass::text as name, create_index,
               create_index || case when indisvalid then '' else ' INVALID' end as definition
          from pg_index
          join pg_class on pg_class.oid = indexrelid
         cross join lateral (values (
                  case relkind when 'I' then regexp_replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
                               else pg_get_indexdef(indexrelid) end)) as text(create_index)
         where indexrelid >= 16384 and not relispartition
           and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u', 'x'))
           and not (indnkeyatts = 1 and exists (select from pg_attribute
                                                 where attrelid = indrelid and attnum = indkey[0]
                                                   and attname = 'tide_xid'))) as found;

-- name: table_options
select 'table option', format('%s %s', relation, option.name), option.value,
       format('alter %s %s %s', what, relation, option.set_it),
       format('alter %s %s %s', what, relation, option.reset_it),
       option.class, option.object, 0, 'pg_class'::regclass::oid, option.owner, 0, null,
       format('alter %s %s %s', what, relation, option.set_it), null, null, null, null, null
  from (select oid, oid::regclass as relation, relkind, relpersistence, reloptions, relrowsecurity, relforcerowsecurity, relreplident,
               case relkind when 'i' then 'index' when 'm' then 'materialized view' else 'table' end as what
          from pg_class
         where oid >= 16384) as class
 cross join lateral (
           select split_part(setting, '=', 1), setting, format('set (%s)', setting),
                  format('reset (%s)', split_part(setting, '=', 1)), oid, null::oid, null::oid
             from unnest(reloptions) as setting
            where relkind in ('r', 'm')
               or (relkind = 'i' and exists (select from pg_constraint
                                              where conindid = class.oid and contype in ('p', 'u', 'x')))
           union all
           select 'row level security', 'on', 'enable row level security', 'disable row level security', oid, null, null
            where relrowsecurity
           union all
           select 'forced row level security', 'on', 'force row level security', 'no force row level security', oid, null, null
            where relforcerowsecurity
           union all
           -- foreign keys look at it: see the dependencies
           select 'unlogged', 'on', 'set unlogged', 'set logged', oid, 'pg_tablespace'::regclass, oid
            where relpersistence = 'u' and relkind = 'r'
           union all
           select 'replica identity', coalesce('index ' || indexrelid::regclass, relreplident::text),
                  'replica identity ' || case relreplident when 'f' then 'full' when 'n' then 'nothing'
                                         else 'using index ' || (select quote_ident(relname) from pg_class as named
                                                                  where named.oid = indexrelid) end,
                  'replica identity default', coalesce(indexrelid, class.oid), null, null
             from (values (1)) as one
             left join pg_index on indrelid = class.oid and indisreplident and relreplident = 'i'
            where relkind in ('r', 'p') and relreplident <> 'd'
       ) as option(name, value, set_it, reset_it, owner, class, object)
 where relkind in ('r', 'p', 'm', 'i');

-- name: statistics
select 'statistics', format('%I.%I', nspname, stxname), pg_get_statisticsobjdef(pg_statistic_ext.oid),
       pg_get_statisticsobjdef(pg_statistic_ext.oid), format('drop statistics %I.%I', nspname, stxname),
       'pg_statistic_ext'::regclass::oid, pg_statistic_ext.oid, 0, 'pg_class'::regclass::oid, stxrelid, 0,
       null, null, null, null, null, null, null
  from pg_statistic_ext
  join pg_namespace on pg_namespace.oid = stxnamespace;
