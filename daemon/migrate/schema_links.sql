-- Comments and rights as objects of the schema catalog (the columns of the answers are those
-- of schema_types.sql), and what depends on what.

-- name: comments
-- Whatever is not an object itself (a view's column, a constraint's index) has its owner's.
select 'comment', concat_ws(' ', what, name), description,
       format('comment on %s %s is %L', what, name, description), format('comment on %s %s is null', what, name),
       null, null, null, classoid, objoid, objsubid, null,
       format('comment on %s %s is %L', what, name, description), null, null, null, null, null
  from (select classoid, objoid, objsubid, description,
               case when type like '% column' then 'column'
                    when type in ('table constraint', 'domain constraint') then 'constraint'
                    when type = 'statistics object' then 'statistics' else type end as what,
               case when type = 'domain constraint' then replace(identity, ' on ', ' on domain ') else identity end as name
          from pg_description
         cross join lateral pg_identify_object(classoid, objoid, objsubid)
         where objoid >= 16384 or classoid = 'pg_namespace'::regclass) as found
 where name !~ '\.tide_xid$' and what <> 'extension';

-- name: grants
-- To others than the owner; what PUBLIC has by default is not listed, but that it was
-- taken away is.
with object (class_id, object_id, sub_id, label, owner, acl, by_default) as (
    select 'pg_class'::regclass::oid, oid, 0,
           case relkind when 'S' then 'sequence ' else 'table ' end || oid::regclass, relowner, relacl, null
      from pg_class
     where oid >= 16384 and relkind in ('r', 'p', 'v', 'm', 'S')
    union all
    select 'pg_class'::regclass, attrelid, attnum, format('(%I) on table %s', attname, attrelid::regclass),
           relowner, attacl, null
      from pg_attribute
      join pg_class on pg_class.oid = attrelid
     where attrelid >= 16384 and attacl is not null
    union all
    select 'pg_namespace'::regclass, oid, 0, 'schema ' || quote_ident(nspname), nspowner, nspacl, null
      from pg_namespace
    union all
    select 'pg_proc'::regclass, oid, 0, 'routine ' || oid::regprocedure, proowner, proacl, 'execute'
      from pg_proc
     where proacl is not null and oid >= 16384
    union all
    select 'pg_type'::regclass, oid, 0, 'type ' || oid::regtype, typowner, typacl, 'usage'
      from pg_type
     where typacl is not null and oid >= 16384
), entry (class_id, object_id, sub_id, label, by_default, grantee, privilege, grantable) as (
    select class_id, object_id, sub_id, label, by_default,
           case when grantee = 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end,
           lower(privilege_type), is_grantable
      from object
     cross join lateral aclexplode(acl)
     where grantee <> owner
       and (grantee <> 0 or lower(privilege_type) is distinct from by_default)
), granted (class_id, object_id, sub_id, label, grantee, definition, grant_them) as (
    select class_id, object_id, sub_id, label, grantee,
           string_agg(privilege || case when grantable then ' with grant option' else '' end, ', ' order by privilege),
           concat_ws(E';\n',
               'grant ' || string_agg(privilege || case when sub_id > 0 then ' ' || split_part(label, ' on ', 1) else '' end,
                                      ', ' order by privilege) filter (where not grantable)
               || ' on ' || target || ' to ' || grantee,
               'grant ' || string_agg(privilege || case when sub_id > 0 then ' ' || split_part(label, ' on ', 1) else '' end,
                                      ', ' order by privilege) filter (where grantable)
               || ' on ' || target || ' to ' || grantee || ' with grant option')
      from entry
     cross join lateral (values (regexp_replace(label, '^\(.*\) on ', ''))) as named(target)
     group by class_id, object_id, sub_id, label, grantee, target
)
select 'grant', format('%s to %s', label, grantee), definition, grant_them,
       case when sub_id > 0 then format('revoke all %s from %s', label, grantee)
            else format('revoke all on %s from %s', label, grantee) end,
       null, null, null, class_id, object_id, sub_id, null, null, null, null, null, null, null
  from granted
union all
select 'grant', label || ' withheld from public', '', format('revoke all on %s from public', label),
       format('grant %s on %s to public', by_default, label),
       null, null, null, class_id, object_id, sub_id, null, null, null, null, null, null, null
  from object
 where by_default is not null and acl is not null
   and not exists (select from aclexplode(acl) where grantee = 0 and lower(privilege_type) = by_default);

-- name: aliases
-- What pg_depend names, and the object that stands for it here.
select 'pg_rewrite'::regclass::oid, oid, 0, 'pg_class'::regclass::oid, ev_class, 0
  from pg_rewrite
 where oid >= 16384 and rulename = '_RETURN'
union all
select 'pg_type'::regclass, pg_type.oid, 0, 'pg_class'::regclass, typrelid, 0
  from pg_type
  join pg_class on pg_class.oid = typrelid
 where typrelid >= 16384 and relkind <> 'c'
union all
select 'pg_class'::regclass, typrelid, 0, 'pg_type'::regclass, pg_type.oid, 0
  from pg_type
  join pg_class on pg_class.oid = typrelid
 where typrelid >= 16384 and relkind = 'c'
union all
select 'pg_type'::regclass, typarray, 0, 'pg_type'::regclass, oid, 0
  from pg_type
 where typarray >= 16384
union all
select 'pg_type'::regclass, rngmultitypid, 0, 'pg_type'::regclass, rngtypid, 0
  from pg_range
 where rngtypid >= 16384
union all
select 'pg_class'::regclass, conindid, 0, 'pg_constraint'::regclass, oid, 0
  from pg_constraint
 where oid >= 16384 and contype in ('p', 'u', 'x')
union all
-- the part that a partition's index or constraint is of its parent's
select 'pg_class'::regclass, inhrelid, 0, 'pg_class'::regclass, inhparent, 0
  from pg_inherits
  join pg_class on pg_class.oid = inhrelid
 where relkind in ('i', 'I')
union all
select 'pg_constraint'::regclass, oid, 0, 'pg_constraint'::regclass, conparentid, 0
  from pg_constraint
 where conparentid <> 0
union all
-- the sequence of an identity column
select 'pg_class'::regclass, objid, 0, 'pg_sequence'::regclass, refobjid, refobjsubid
  from pg_depend
 where classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass and deptype = 'i' and refobjsubid > 0
   and exists (select from pg_sequence where seqrelid = objid)
union all
-- the expression of a generated column is the column's own
select 'pg_attrdef'::regclass, pg_attrdef.oid, 0, 'pg_class'::regclass, adrelid, adnum
  from pg_attrdef
  join pg_attribute on attrelid = adrelid and attnum = adnum
 where attgenerated <> ''
union all
-- a column that was inherited is its parent's
select 'pg_class'::regclass, child.attrelid, child.attnum, 'pg_class'::regclass, parent.attrelid, parent.attnum
  from pg_inherits
  join pg_attribute as child on child.attrelid = inhrelid
  join pg_attribute as parent on parent.attrelid = inhparent and parent.attname = child.attname
 where child.attinhcount > 0 and child.attnum > 0 and inhseqno = 1
union all
-- what track() made of a table
select 'pg_trigger'::regclass, part.oid, 0, 'pg_trigger'::regclass, stamp.oid, 0
  from pg_trigger as stamp
  join pg_trigger as part on part.tgrelid = stamp.tgrelid and part.tgname ~ '^zz_tidemark_' and part.oid <> stamp.oid
 where stamp.tgname = 'zz_tidemark_stamp'
union all
select 'pg_class'::regclass, attrelid, attnum, 'pg_trigger'::regclass, pg_trigger.oid, 0
  from pg_trigger
  join pg_attribute on attrelid = tgrelid and attname = 'tide_xid'
 where tgname = 'zz_tidemark_stamp'
union all
select classid, objid, 0, refclassid, refobjid, 0
  from pg_depend
 where deptype = 'e';

-- name: dependencies
-- A sequence needs no column that owns it; that is the owning's own need. A column of the
-- partition key does not need its table more than others do, and a parent's index or
-- constraint not the partitions that have their part of it.
select distinct classid, objid, objsubid, refclassid, refobjid, refobjsubid
  from pg_depend
 where deptype <> 'e' and objid >= 16384
   and not (classid = 'pg_class'::regclass and deptype = 'a' and refobjsubid > 0
            and exists (select from pg_sequence where seqrelid = objid))
   and not (classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass and objid = refobjid)
   and not (classid = 'pg_class'::regclass
            and exists (select from pg_class
                         where oid = objid and relispartition and relkind in ('i', 'I')))
   and not (classid = 'pg_constraint'::regclass
            and exists (select from pg_constraint where oid = objid and conparentid <> 0))
union all
select 'pg_sequence'::regclass, seqrelid, 0, 'pg_class'::regclass, seqrelid, 0
  from pg_sequence
union all
select 'pg_constraint'::regclass, oid, 0, 'pg_attribute'::regclass, conrelid, number
  from pg_constraint
 cross join unnest(conkey) as key_part(number)
 where contype = 'p'
union all
-- a foreign key must not point from a logged table to an unlogged one
select 'pg_constraint'::regclass, pg_constraint.oid, 0, 'pg_tablespace'::regclass, end_of_key, 0
  from pg_constraint
 cross join unnest(array[conrelid, confrelid]) as ends(end_of_key)
 where contype = 'f'
union all
select 'pg_sequence'::regclass, attrelid, attnum, 'pg_attribute'::regclass, attrelid, attnum
  from pg_attribute
 where attidentity <> ''
union all
-- track() looks at the key, and at the column that it keeps
select 'pg_trigger'::regclass, pg_trigger.oid, 0, 'pg_constraint'::regclass, pg_constraint.oid, 0
  from pg_trigger
  join pg_constraint on conrelid = tgrelid and contype = 'p'
 where tgname = 'zz_tidemark_stamp'
union all
select 'pg_trigger'::regclass, pg_trigger.oid, 0, 'pg_class'::regclass, attrelid, attnum
  from pg_trigger
  join pg_attribute on attrelid = tgrelid and attname = 'updated_at'
 where tgname = 'zz_tidemark_stamp'
union all
-- a partition that is attached later brings what it needs; one that is there gets it
select 'pg_trigger'::regclass, pg_trigger.oid, 0, 'pg_class'::regclass, relid, 0
  from pg_trigger
 cross join lateral pg_partition_tree(tgrelid)
 where tgname = 'zz_tidemark_stamp' and tgparentid = 0 and relid <> tgrelid;
