-- name: rename_table
-- $1, $2: as they are written. Whether each is there, and the statements.
select to_regclass(format('%I.%I', place, old_name)) is not null,
       to_regclass(format('%I.%I', place, new_name)) is not null,
       format('alter table %I.%I rename to %I', place, old_name, new_name),
       format('alter table %I.%I rename to %I', place, new_name, old_name)
  from (select parse_ident($1) as old_parts, parse_ident($2) as new_parts) as given
 cross join lateral (values (case when cardinality(old_parts) > 1 then old_parts[1] else 'public' end,
                             old_parts[cardinality(old_parts)], new_parts[cardinality(new_parts)])
            ) as named(place, old_name, new_name);

-- name: rename_column
select exists (select from pg_attribute
                where attrelid = relation and attname = old_name and attnum > 0 and not attisdropped),
       exists (select from pg_attribute
                where attrelid = relation and attname = new_name and attnum > 0 and not attisdropped),
       format('alter table %I.%I rename column %I to %I', place, table_name, old_name, new_name),
       format('alter table %I.%I rename column %I to %I', place, table_name, new_name, old_name)
  from (select parse_ident($1) as parts, parse_ident($2) as new_parts) as given
 cross join lateral (values (case when cardinality(parts) > 2 then parts[1] else 'public' end,
                             parts[cardinality(parts) - 1], parts[cardinality(parts)],
                             new_parts[cardinality(new_parts)])
            ) as named(place, table_name, old_name, new_name)
 cross join lateral (values (to_regclass(format('%I.%I', place, table_name)))) as found(relation);

-- name: rename_constraint
-- $1: the table; $2, $3: names.
select format('alter table %s rename constraint %I to %I', $1::text, $2::text, $3::text),
       format('alter table %s rename constraint %I to %I', $1::text, $3::text, $2::text);

-- name: rename_index
-- $1: its table; an index is in the same schema.
select format('alter index %I.%I rename to %I', place, $2::text, $3::text),
       format('alter index %I.%I rename to %I', place, $3::text, $2::text)
  from (select (parse_ident($1))[1] as place) as of_table;
