-- track() says clearly what it cannot take: nothing at all, and the tables of tidemark itself.

-- upgrade

create or replace function tidemark.require_trackable(relation regclass) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    class pg_class;
begin
    if relation is null then
        raise exception 'there is no table to track'
            using errcode = 'null_value_not_allowed',
                  hint = 'Name it: select tidemark.track(''orders'');';
    end if;
    select * into strict class from pg_class where oid = relation;
    if class.relnamespace = 'tidemark'::regnamespace then
        raise exception '% belongs to tidemark itself', relation
            using errcode = 'wrong_object_type',
                  hint = 'Name a table of the application; these are never mirrored.';
    elsif class.relispartition then
        raise exception '% is a partition', relation
            using errcode = 'wrong_object_type',
                  hint = format('Track its parent: select tidemark.track(%L);',
                                pg_partition_root(relation));
    elsif class.relkind not in ('r', 'p') or class.relpersistence = 't' then
        raise exception '% is not an ordinary or partitioned table', relation
            using errcode = 'wrong_object_type';
    elsif class.relkind = 'r' and exists (select from pg_inherits
                                           where relation in (inhparent, inhrelid)) then
        raise exception '% takes part in table inheritance', relation
            using errcode = 'wrong_object_type',
                  hint = 'Use partitions, or tables of their own.';
    elsif tidemark.key_columns(relation) is null then
        raise exception '% has no primary key', relation
            using errcode = 'object_not_in_prerequisite_state',
                  hint = format('First: alter table %s add primary key (...);', relation);
    end if;
end
$$;

-- downgrade

create or replace function tidemark.require_trackable(relation regclass) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    class pg_class;
begin
    select * into strict class from pg_class where oid = relation;
    if class.relispartition then
        raise exception '% is a partition', relation
            using errcode = 'wrong_object_type',
                  hint = format('Track its parent: select tidemark.track(%L);',
                                pg_partition_root(relation));
    elsif class.relkind not in ('r', 'p') or class.relpersistence = 't' then
        raise exception '% is not an ordinary or partitioned table', relation
            using errcode = 'wrong_object_type';
    elsif class.relkind = 'r' and exists (select from pg_inherits
                                           where relation in (inhparent, inhrelid)) then
        raise exception '% takes part in table inheritance', relation
            using errcode = 'wrong_object_type',
                  hint = 'Use partitions, or tables of their own.';
    elsif tidemark.key_columns(relation) is null then
        raise exception '% has no primary key', relation
            using errcode = 'object_not_in_prerequisite_state',
                  hint = format('First: alter table %s add primary key (...);', relation);
    end if;
end
$$;
