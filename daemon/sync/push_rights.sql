-- name: missing
-- What the role lacks to do $3 (insert, update or delete) in table $2 of schema $1: the right as
-- such, or that for the columns $4, which every push writes. A right for some of the others only
-- was meant so: a row that writes more than that is refused by itself. And, where rows there had to be looked at ($5), to lock them. As GRANTs, null: nothing.
-- The answer does not depend on the words or the language of an error.
with target as (
    select format('%I.%I', $1::text, $2::text) as name
), lacking as (
    select $3::text as verb,
           array(select name
                   from unnest($4::text[]) as name
                  where not has_column_privilege(target.name, name, $3::text)) as columns,
           has_any_column_privilege(target.name, $3::text) as has_some
      from target
     where $3::text <> 'delete'
    union all
    select 'delete', array['every'], false
      from target
     where $3::text = 'delete' and not has_table_privilege(target.name, 'delete')
    union all
    select 'update', array['every'], false
      from target
     where $5::bool and $3::text <> 'update' and not has_any_column_privilege(target.name, 'update')
)
select string_agg(format('grant %s%s on %s to %I', verb,
                         case when has_some
                              then ' (' || (select string_agg(quote_ident(name), ', ')
                                              from unnest(columns) as name) || ')'
                              else ''
                         end, target.name, current_user), '; '),
       current_user
  from lacking, target
 where columns <> '{}' or not has_some;
