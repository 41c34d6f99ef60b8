-- Columns and their types, read for many tables at once. Only is_visible depends on the search
-- path: whether the operators of a type that is not built in can be expected to be found. $1 is
-- an array of OIDs.

-- name: columns
-- A domain is followed down to its base type; the first type modifier on the way counts.
-- kind is the name of a built-in base type, or enum, array, composite, citext, other.
-- Rights are told as they are now, not as in the snapshot: null is a column that has just been
-- dropped, which the next round notices, and no lack of rights.
with recursive chain (start, type, modifier, not_null) as (
    select oid, oid, -1, false from pg_type
    union all
    select chain.start, d.typbasetype, d.typtypmod, chain.not_null or d.typnotnull
      from chain join pg_type as d on d.oid = chain.type
     where d.typtype = 'd'
), named as (
    select t.oid, n.nspname, t.typname, t.typtype, t.typelem,
           n.nspname = 'pg_catalog' as built_in,
           exists (select from pg_type as e where e.oid = t.typelem and e.typarray = t.oid)
           as is_array
      from pg_type as t join pg_namespace as n on n.oid = t.typnamespace
), base as (
    select chain.start, chain.type, chain.modifier, chain.not_null, t.typelem as element,
           case when t.is_array then 'array'
                when t.typtype = 'e' then 'enum'
                when t.typtype = 'c' then 'composite'
                when t.built_in then t.typname::text
                when t.typname = 'citext' then 'citext'
                else 'other'
           end as kind
      from chain join named as t on t.oid = chain.type
     where t.typtype <> 'd'
)
select a.attrelid, a.attnum, a.attname, quote_ident(a.attname) as quoted_name,
       case when spelled.built_in then format_type(spelled.oid, modifier.value)
            else quote_ident(spelled.nspname) || '.' || quote_ident(spelled.typname)
                 || substr(format_type(spelled.oid, modifier.value),
                           length(format_type(spelled.oid, null)) + 1)
       end || case when base.kind = 'array' then '[]' else '' end as type_name,
       base.type as base_type, base.kind, element.kind as element_kind,
       modifier.value as modifier,
       a.attnotnull or base.not_null as not_null,
       a.attgenerated <> '' as generated,
       case when a.attgenerated = '' and a.attidentity = ''
            then pg_get_expr(d.adbin, d.adrelid) end as default_expression,
       coalesce(has_column_privilege(a.attrelid, a.attnum, 'SELECT'), true) as may_read,
       base.kind not in ('citext', 'other') or pg_type_is_visible(base.type) as is_visible
  from pg_attribute as a
  join base on base.start = a.atttypid
 cross join lateral (
           select case when a.atttypmod <> -1 then a.atttypmod else base.modifier end as value
       ) as modifier
  join named as spelled
    on spelled.oid = case when base.kind = 'array' then base.element else base.type end
  left join base as element on element.start = base.element and base.kind = 'array'
  left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attrelid = any ($1::oid[]) and a.attnum > 0 and not a.attisdropped
 order by a.attrelid, a.attnum;

-- name: labels
-- The labels of the enum types.
select enumtypid, enumlabel
  from pg_enum
 where enumtypid = any ($1::oid[])
 order by enumtypid, enumsortorder;
