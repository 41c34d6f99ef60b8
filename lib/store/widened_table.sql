-- name: index_columns
-- Column by column, what applications' unique indexes are made of.
select list.name, coalesce(info.name, ''), info.coll
  from pragma_index_list(:table_name) as list
  join pragma_index_xinfo(list.name) as info
 where list."unique"
   and list.origin = 'c'
   and not list.partial
   and list.name not in (select name from tide_index)
   and info.key
 order by list.name, info.seqno;
