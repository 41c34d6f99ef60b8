-- name: rows_of_unit
-- What the primary may refuse, and the newest refusal there was before.
select json_group_array(json_array(name, row_key)),
       (select coalesce(max(rejected_id), 0) from tide_rejected_row)
  from tide_outbox
  join tide_table using (table_id)
 where sequence between :unit and :sequence
   and row_key is not null;

-- name: is_waiting
select exists (select 1 from tide_outbox where sequence between :unit and :sequence)
    or exists (select 1 from tide_rejected_row where push_id is not null);

-- name: is_rejected
select exists (select 1
                 from tide_rejected_row
                where unit_id = :unit
                   or (rejected_id > :newest
                       and exists (select 1
                                     from json_each(:rows)
                                    where json_extract(value, '$[0]') = table_name
                                      and json_extract(value, '$[1]') = row_key)));
