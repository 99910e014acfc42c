-- What Citus is asked, written down instead of done, and refused where Citus refuses. Rows stay where they are.
CREATE SCHEMA stub;
CREATE TABLE stub.calls (place serial, call text);
CREATE TABLE stub.pg_dist_partition (logicalrelid regclass, partmethod "char", partkey text, colocationid serial);

CREATE FUNCTION stub.column_to_column_name(table_name regclass, column_var_text text) RETURNS text
LANGUAGE sql AS 'SELECT column_var_text';

CREATE FUNCTION stub.create_distributed_table(
    table_name regclass, distribution_column text, colocate_with text DEFAULT 'default'
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    key record;
    nulls bigint;
BEGIN
    FOR key IN SELECT indexrelid::regclass AS name FROM pg_index i WHERE indrelid = table_name AND indisunique
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE attrelid = table_name AND attname = distribution_column
            AND attnum = ANY (i.indkey::int2[]))
    LOOP
        RAISE EXCEPTION 'cannot create constraint on "%": % lacks the distribution column', table_name, key.name;
    END LOOP;
    FOR key IN SELECT conname, confrelid, conkey, confkey, confdeltype FROM pg_constraint
        WHERE conrelid = table_name AND contype = 'f'
    LOOP
        IF NOT EXISTS (SELECT FROM stub.pg_dist_partition WHERE logicalrelid = key.confrelid) THEN
            RAISE EXCEPTION 'referenced table "%" must be a distributed table', key.confrelid::regclass;
        END IF;
        IF NOT EXISTS (SELECT FROM unnest(key.conkey, key.confkey) AS pair (own, other)
            JOIN pg_attribute a ON a.attrelid = table_name AND a.attnum = own
            JOIN pg_attribute b ON b.attrelid = key.confrelid AND b.attnum = other
            WHERE a.attname = distribution_column AND b.attname = distribution_column) OR key.confdeltype IN ('n', 'd')
        THEN
            RAISE EXCEPTION 'cannot create foreign key constraint %', key.conname;
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = table_name AND NOT tgisinternal) THEN
        RAISE EXCEPTION 'cannot distribute relation "%" because it has triggers', table_name;
    END IF;
    IF colocate_with <> 'none'
        AND NOT EXISTS (SELECT FROM stub.pg_dist_partition WHERE logicalrelid = colocate_with::regclass)
    THEN
        RAISE EXCEPTION 'relation % is not distributed', colocate_with;
    END IF;
    EXECUTE format('SELECT count(*) FROM %s WHERE %I IS NULL', table_name, distribution_column) INTO nulls;
    IF nulls > 0 THEN
        RAISE EXCEPTION 'the partition column of table % cannot be NULL', table_name;
    END IF;
    INSERT INTO stub.pg_dist_partition VALUES (table_name, 'h', distribution_column);
    INSERT INTO stub.calls (call) VALUES (format('distribute %s by %s with %s', table_name, distribution_column, colocate_with));
END $$;

CREATE FUNCTION stub.truncate_local_data_after_distributing_table(function_name regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_constraint WHERE confrelid = function_name AND contype = 'f'
        AND conrelid NOT IN (SELECT logicalrelid FROM stub.pg_dist_partition))
    THEN
        RAISE EXCEPTION 'cannot truncate a table referenced in a foreign key constraint by a local table';
    END IF;
    INSERT INTO stub.calls (call) VALUES (format('truncate %s', function_name));
END $$;

INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
VALUES (16001, 'citus', 10, 11, false, '13.2-1');
