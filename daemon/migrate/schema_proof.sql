-- name: has_cast
-- Between two types as the catalog writes them; null when one is not there yet.
select to_regtype($1) = to_regtype($2)
       or exists (select from pg_cast
                   where castsource = to_regtype($1) and casttarget = to_regtype($2));
