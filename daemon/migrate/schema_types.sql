-- Schemas, extensions, types and sequences as objects of the schema catalog. All queries
-- of schema_*.sql answer with the same columns (enum answer_column in schema_catalog.c),
-- under an empty search_path, so that every name is qualified.
-- $1: the schemas to look at, and the extensions as 'extension x'; null: all of the database's own. 16384: the first oid that is
-- not PostgreSQL's own.

-- name: schemas
select 'schema', quote_ident(nspname), '',
       format('create schema %I', nspname), format('drop schema %I', nspname),
       'pg_namespace'::regclass::oid, oid, 0, null, null, null, null,
       null, null, null, null, null, null
  from pg_namespace
 where nspname !~ '^(pg_.*|information_schema|tidemark)$'
   and ($1::text[] is null or quote_ident(nspname) = any ($1))
   and not exists (select from pg_depend
                    where classid = 'pg_namespace'::regclass and objid = pg_namespace.oid
                      and deptype = 'e');

-- name: extensions
select 'extension', quote_ident(extname), quote_ident(nspname),
       format('create extension if not exists %I with schema %I', extname, nspname),
       format('drop extension %I', extname),
       'pg_extension'::regclass::oid, pg_extension.oid, 0, null, null, null, null,
       case when extrelocatable then format('alter extension %I set schema %I', extname, nspname) end,
       'extension ' || quote_ident(extname), null, null, null, null
  from pg_extension
  join pg_namespace on pg_namespace.oid = extnamespace
 where $1::text[] is null or 'extension ' || quote_ident(extname) = any ($1);

-- name: enums
select 'enum', name, labels,
       format('create type %s as enum (%s)', name, labels), format('drop type %s', name),
       'pg_type'::regclass::oid, oid, 0, null, null, null, name,
       format('alter type %s rename to %I', name, aside), format('drop type %I.%I', nspname, aside),
       null, null, null, null
  from (select pg_type.oid, nspname, format('%I.%I', nspname, typname) as name,
               left(typname, 40) || '_tidemark_old' as aside,
               coalesce((select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder)
                           from pg_enum where enumtypid = pg_type.oid), '') as labels
          from pg_type
          join pg_namespace on pg_namespace.oid = typnamespace
         where typtype = 'e'
           and nspname !~ '^(pg_.*|information_schema|tidemark)$'
           and ($1::text[] is null or quote_ident(nspname) = any ($1))
           and not exists (select from pg_depend
                            where classid = 'pg_type'::regclass and objid = pg_type.oid
                              and deptype = 'e')) as found;

-- name: domains
select 'domain', name, definition,
       format('create domain %s as %s', name, definition), format('drop domain %s', name),
       'pg_type'::regclass::oid, oid, 0, null, null, null, name,
       format('alter domain %s rename to %I', name, aside),
       format('drop domain %I.%I', nspname, aside), null, null, null, null
  from (select domain.oid, nspname, format('%I.%I', nspname, domain.typname) as name,
               left(domain.typname, 40) || '_tidemark_old' as aside,
               format_type(domain.typbasetype, domain.typtypmod)
               || case when domain.typcollation <> base.typcollation
                       then ' collate ' || domain.typcollation::regcollation else '' end as definition
          from pg_type as domain
          join pg_type as base on base.oid = domain.typbasetype
          join pg_namespace on pg_namespace.oid = domain.typnamespace
         where domain.typtype = 'd'
           and nspname !~ '^(pg_.*|information_schema|tidemark)$'
           and ($1::text[] is null or quote_ident(nspname) = any ($1))
           and not exists (select from pg_depend
                            where classid = 'pg_type'::regclass and objid = domain.oid
                              and deptype = 'e')) as found;

-- name: domain_parts
-- Defaults and NOT NULL of domains.
select part.kind, name, part.definition,
       format('alter domain %s set %s', name, part.setting), format('alter domain %s drop %s', name, part.kind),
       null, null, null, 'pg_type'::regclass::oid, oid, 0, null,
       case part.kind when 'default' then format('alter domain %s set %s', name, part.setting) end,
       null, null, null, null, null
  from (select pg_type.oid, typdefault, typnotnull, format('%I.%I', nspname, typname) as name
          from pg_type
          join pg_namespace on pg_namespace.oid = typnamespace
         where typtype = 'd' and pg_type.oid >= 16384) as found
 cross join lateral (values ('default', typdefault, 'default ' || typdefault, typdefault is not null),
                            ('not null', '', 'not null', typnotnull)
                    ) as part(kind, definition, setting, is_there)
 where is_there;

-- name: composites
-- One attribute a line.
select 'composite type', name, attributes,
       format(E'create type %s as (\n    %s\n)', name, replace(attributes, E'\n', E',\n    ')),
       format('drop type %s', name),
       'pg_type'::regclass::oid, oid, 0, null, null, null, name,
       format('alter type %s rename to %I', name, aside), format('drop type %I.%I', nspname, aside),
       null, null, null, null
  from (select pg_type.oid, nspname, format('%I.%I', nspname, typname) as name,
               left(typname, 40) || '_tidemark_old' as aside,
               coalesce((select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod))
                                  || case when attcollation <> of_attribute.typcollation
                                          then ' collate ' || attcollation::regcollation else '' end,
                                  E'\n' order by attnum)
                           from pg_attribute
                           join pg_type as of_attribute on of_attribute.oid = atttypid
                          where attrelid = pg_type.typrelid and attnum > 0 and not attisdropped), '') as attributes
          from pg_type
          join pg_namespace on pg_namespace.oid = typnamespace
          join pg_class on pg_class.oid = typrelid and relkind = 'c'
         where nspname !~ '^(pg_.*|information_schema|tidemark)$'
           and ($1::text[] is null or quote_ident(nspname) = any ($1))
           and not exists (select from pg_depend
                            where classid = 'pg_type'::regclass and objid = pg_type.oid
                              and deptype = 'e')) as found;

-- name: ranges
select 'range type', name, definition,
       format('create type %s as range (%s)', name, definition), format('drop type %s', name),
       'pg_type'::regclass::oid, oid, 0, null, null, null, name,
       format('alter type %s rename to %I', name, aside), format('drop type %I.%I', nspname, aside),
       null, null, null, null
  from (select pg_type.oid, pg_namespace.nspname, format('%I.%I', pg_namespace.nspname, typname) as name,
               left(typname, 40) || '_tidemark_old' as aside,
               format('subtype = %s, subtype_opclass = %I.%I, multirange_type_name = %s',
                      format_type(rngsubtype, null), class_schema.nspname, opcname,
                      format_type(rngmultitypid, null))
               || case when rngcollation <> 0
                       then ', collation = ' || rngcollation::regcollation else '' end
               || case when rngsubdiff <> 0
                       then ', subtype_diff = ' || rngsubdiff::regproc else '' end as definition
          from pg_range
          join pg_type on pg_type.oid = rngtypid
          join pg_namespace on pg_namespace.oid = typnamespace
          join pg_opclass on pg_opclass.oid = rngsubopc
          join pg_namespace as class_schema on class_schema.oid = opcnamespace
         where pg_namespace.nspname !~ '^(pg_.*|information_schema|tidemark)$'
           and ($1::text[] is null or quote_ident(pg_namespace.nspname) = any ($1))
           and not exists (select from pg_depend
                            where classid = 'pg_type'::regclass and objid = pg_type.oid
                              and deptype = 'e')) as found;

-- name: sequences
-- Not those of identity columns. One that a column owns goes when the column goes.
select 'sequence', name, options,
       format('create sequence %s %s', name, options), format('drop sequence %s', name),
       'pg_class'::regclass::oid, oid, 0, null, null, null, name,
       format('alter sequence %s %s', name, options), null, null, null,
       owner_class, owner_table, owner_column
  from (select pg_class.oid, format('%I.%I', nspname, relname) as name,
               refclassid as owner_class, refobjid as owner_table, refobjsubid as owner_column,
               format('as %s increment by %s minvalue %s maxvalue %s start with %s cache %s %s',
                      format_type(seqtypid, null), seqincrement, seqmin, seqmax, seqstart, seqcache,
                      case when seqcycle then 'cycle' else 'no cycle' end) as options
          from pg_sequence
          join pg_class on pg_class.oid = seqrelid
          join pg_namespace on pg_namespace.oid = relnamespace
          left join pg_depend
                 on classid = 'pg_class'::regclass and objid = seqrelid and objsubid = 0
                and refclassid = 'pg_class'::regclass and deptype in ('a', 'i')
         where nspname !~ '^(pg_.*|information_schema|tidemark)$'
           and ($1::text[] is null or quote_ident(nspname) = any ($1))
           and deptype is distinct from 'i'
           and not exists (select from pg_depend as member
                            where member.classid = 'pg_class'::regclass
                              and member.objid = pg_class.oid and member.deptype = 'e')) as found;

-- name: sequence_owners
select 'sequence owner', name, owner, format('alter sequence %s owned by %s', name, owner),
       format('alter sequence %s owned by none', name),
       'pg_sequence'::regclass::oid, oid, 0, 'pg_class'::regclass::oid, refobjid, refobjsubid, null,
       format('alter sequence %s owned by %s', name, owner), null, null, null, null, null
  from (select pg_class.oid, refobjid, refobjsubid, format('%I.%I', nspname, pg_class.relname) as name,
               format('%s.%I', refobjid::regclass, attname) as owner
          from pg_class
          join pg_namespace on pg_namespace.oid = relnamespace
          join pg_depend on classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'a'
                        and refclassid = 'pg_class'::regclass and refobjsubid > 0
          join pg_attribute on attrelid = refobjid and attnum = refobjsubid
         where relkind = 'S') as found;
