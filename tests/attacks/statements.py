"""Hostile statements for the SQL page: made from templates, and written by hand. Each family is a tuple of texts.

In them, MARK is a path where nothing may come up, and FILE one that exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from lib.queries.wall import FIELD_COLUMNS
from lib.schema import TABLES

WITHHELD = sorted(column for columns in FIELD_COLUMNS.values() for column in columns)
NAMES = [table.name for table in TABLES]

# A withheld column in a place where its values, their order or their number would show.
PLACES = (
    "select {c} from {f}",
    "select distinct {c} from {f}",
    "select x from (select {c} as x from {f}) as q",
    "with q(x) as (select {c} from {f}) select x from q",
    "with recursive q(x) as (select {c} from {f} union select x from q) select x from q",
    "select count(distinct {c}) from {f}",
    "select max({c}), min({c}) from {f}",
    "select {agg}({c}, ',') from {f}",
    "select {key} from {f} order by {c}",
    "select {key} from {f} order by length({c}), 1",
    "select count(*) from {f} group by {c}",
    "select count(*) from {f} where {c} like '%leak%'",
    "select {key} from {f} where {c} is null",
    "select {key} from {f} where {c} in ('zoe@leak-one.example', 'other')",
    "select {key} from {f} where ({key}, {c}) > ('a', 'm')",
    "select count(*) from {f} having max({c}) > 'm'",
    "select case when {c} > 'm' then 1 else 0 end from {f}",
    "select 1 where exists (select 1 from {f} where {c} > 'm')",
    "select (select {c} from {f} limit 1)",
    "select row_number() over (order by {c}) from {f}",
    "select {key}, sum(length({c})) over (partition by {c}) from {f}",
    "select length({c}), upper({c}), substr({c}, 1, 3), replace({c}, '@', '') from {f}",
    "select 'x' union all select {c} from {f}",
    "select 'x' intersect select {c} from {f}",
    "select cast({c} as integer) from {f}",
    "values ((select max({c}) from {f}))",
    "select coalesce(nullif({c}, ''), 'none') from {f}",
    "select 1 / (length({c}) - length({c})) from {f}",
)
ESCAPES = (
    "{p}; {s}",
    "{p} -- ; \n; {s}",
    "{p} /* ; */ ; {s} /*",
    "{p} where '' = '; {s}",
    "{s} -- select",
    "/* select */ {s}",
    "-- select\n{s}",
    "with q as ({s} returning 1) select * from q",
    "select * from ({s} returning *) as q",
    "{p}) as answer; {s}; --",
    "explain {s}",
)
WRITES = (
    "insert into {t} ({k}) values ('eve')",
    "update {t} set {k} = 'eve'",
    "delete from {t}",
    "drop table {t}",
    "alter table {t} add column eve text",
    "alter table {t} rename to eve",
    "create table eve as select 1 as x from {t}",
    "create view eve as select * from {t}",
    "create index eve on {t} ({k})",
    "create trigger eve after insert on {t} begin select 1; end",
)
JOINS = ("join", "left join", "right join", "full join", "natural join", "natural full join", "natural left join")
GUESSES = (
    "(select '{v}' as {c}) as g",
    "(select null as {c}) as g",
    "(select 0 as nothing, 'x' as {c} union select 1, '{v}') as g",
)
SHOWN = ("*", "count(*)", "{c}", "coalesce({c}, 'none')", "g.{c}", "{t}.*")
VALUE = "zoe@leak-one.example"


def _spaced(call: str) -> str:
    """With the blanks that a list of words cannot hold."""
    for phrase in ("_is_", "order_by_", "within_group", "select_", "_from_", "drop_table_", "touch_MARK"):
        call = call.replace(phrase, phrase.replace("_", " "))
    return call


def _key(table: str) -> str:
    return next(each.columns.keys()[0] for each in TABLES if each.name == table)


def _spellings(table: str, column: str, odd: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Ways to write a column, each with what stands after FROM."""
    for name, source in odd:
        yield name.format(c=column, t=table, C=column.upper()), source.format(t=table, T=table.upper())


COMMON = (
    ("{c}", "{t}"),
    ("{C}", "{T}"),
    ("{t}.{c}", "{t}"),
    ("u.{c}", "{t} as u"),
    ('"{c}"', '"{t}"'),
    ('"{t}"."{c}"', "{t}"),
    ("{t} /* */ . /* ' */ {c}", "{t} -- '\n"),
    ("({c})", "({t})"),
    ("{c} || ''", "{t}"),
    ("trim({c})", "{t}"),
)
OF_SQLITE = (
    ("[{c}]", "[{t}]"),
    ("`{c}`", "`{t}`"),
    ("main.{t}.{c}", "main.{t}"),
    ("temp.{t}.{c}", "temp.{t}"),
    ("'{c}'", "'{t}'"),
    ("{c} collate nocase", "{t}"),
    ("+{c}", "{t} not indexed"),
)
OF_POSTGRESQL = (
    ("public.{t}.{c}", "public.{t}"),
    ("(u).{c}", "{t} u"),
    ("{c}(u)", "{t} u"),
    ("(u.*).{c}", "only {t} u"),
    ('{c} collate "C"', "{t} *"),
    ("u.{c}", "lateral (select * from {t}) u"),
    ("u.b", "{t} as u(a, b)"),
    ("{c}::text", "{t} tablesample system (100)"),
)


def reading(columns: Iterable[tuple[str, str]], odd: Iterable[tuple[str, str]], agg: str) -> tuple[str, ...]:
    """Each withheld column, in each place, in each spelling."""
    return tuple(
        place.format(c=name, f=source, agg=agg, key=_key(table))
        for table, column in columns
        for (name, source), place in product(_spellings(table, column, (*COMMON, *odd)), PLACES)
    )


def joining(columns: Iterable[tuple[str, str]], sources: Iterable[str]) -> tuple[str, ...]:
    """USING and NATURAL, where no column is named with its table."""
    made = []
    for (table, column), source, join, guess, shown in product(columns, sources, JOINS, GUESSES, SHOWN):
        end = "" if join.startswith("natural") else f" using ({column})"
        text = f"select {shown} from {guess} {join} {source}{end}"
        made.append(text.format(c=column, t=table, v=VALUE))
    return tuple(made)


def writing() -> tuple[str, ...]:
    """Each kind of change, in each table, in each disguise."""
    return tuple(
        escape.format(p=f"select 1 from {table}", s=change.format(t=table, k=_key(table)))
        for table, change, escape in product(NAMES, WRITES, ("{s}", *ESCAPES))
    )


_PRAGMAS = """
query_only=0 writable_schema=1 trusted_schema=1 journal_mode=wal journal_mode=delete user_version=7 application_id=7
schema_version=7 foreign_keys=1 ignore_check_constraints=1 locking_mode=exclusive temp_store=2
temp_store_directory='MARK' cache_size=-1000000 mmap_size=99999999999 page_size=512 auto_vacuum=1 incremental_vacuum
wal_checkpoint(truncate) optimize integrity_check quick_check foreign_key_check database_list table_list
table_info(users) table_xinfo(users) index_list(users) index_info(users_email) function_list module_list pragma_list
collation_list compile_options case_sensitive_like=1 recursive_triggers=1 reverse_unordered_selects=1
hard_heap_limit=1000 soft_heap_limit=1000 threads=8 max_page_count=1 shrink_memory stats cell_size_check=1
legacy_alter_table=1 secure_delete=0 synchronous=0 read_uncommitted=1 encoding='UTF-16' data_version
busy_timeout=99999999 analysis_limit=1 automatic_index=0 checkpoint_fullfsync=1 default_cache_size=9
"""
PRAGMAS = _PRAGMAS.split()
_EPONYMOUS = """
pragma_table_info('users') pragma_table_xinfo('users') pragma_index_info('users_email') pragma_database_list
pragma_table_list pragma_function_list pragma_module_list pragma_pragma_list pragma_compile_options
pragma_user_version pragma_integrity_check pragma_quick_check pragma_index_list('users') pragma_stats dbstat
sqlite_dbpage sqlite_stmt sqlite_master sqlite_schema main.sqlite_master temp.sqlite_master sqlite_temp_master
sqlite_temp_schema sqlite_stat1 sqlite_stat4 sqlite_sequence main.sqlite_stat1 fts5vocab fts3tokenize bytecode('select
1') tables_used('select 1') completion generate_series(1,1000000000) csv zipfile('FILE') fsdir('/') accounts people
everybody main.accounts temp.accounts hidden.users hidden_0.users
"""
EPONYMOUS = _EPONYMOUS.split()
_CALLS = """
load_extension('MARK') load_extension('MARK','main') readfile('FILE') writefile('MARK','x') edit('x') lsmode(1)
zeroblob(10) randomblob(10) fts3_tokenizer('simple') sqlite_compileoption_get(1) sqlite_source_id() sqlite_version()
sqlite_offset(role) last_insert_rowid() changes() total_changes() eval('select_1') regexp('a','b') 'a'regexp'b'
'a'match'b' printf('%d',1) format('%d',1) printf('%.*c',1000000000,'x') printf('%1000000000d',1) json_group_array(1)
json_group_object(1,1) soundex('x') sqlite_log(1,'x') snippet(1) offsets(1) matchinfo(1) bm25(1) highlight(1)
rtreecheck('x') rtreenode(1,1) uuid() sha3('x') shell_add_schema(1) sqlite_rename_table(1,2,3,4,5,6,7)
sqlite_rename_column(1,2,3,4,5,6,7,8,9) sqlite_drop_column(1,2,3) sqlite_fail(1,'x') unknown(likely('x'),1)
icu_load_collation('x','y') getenv('PATH') system('touch')
"""
CALLS = _CALLS.split()
SQLITE_BY_HAND = (
    *(f"pragma {pragma}" for pragma in PRAGMAS),
    *(f"select 1; pragma {pragma}" for pragma in PRAGMAS),
    *(f"select * from {name}" for name in EPONYMOUS),
    *(f"select count(*) from {name}, users" for name in EPONYMOUS),
    *(
        f"select * from (select 'users' as name, 1 as sql, 1 as tbl, 'users' as tbl_name) full join {name}"
        f" using ({key})"
        for name, key in product(EPONYMOUS, ("name", "sql", "tbl", "tbl_name", "sample", "pw", "email"))
    ),
    *(f"select {call}" for call in CALLS),
    *(f"select 1 from users where {call} is not null" for call in CALLS),
    *(f"select 1 from users order by {call}" for call in CALLS),
    "attach 'MARK' as eve",
    "attach 'FILE' as eve",
    "attach ':memory:' as eve",
    "attach database 'file:FILE?mode=rwc' as eve",
    "select 1; attach 'MARK' as eve",
    "detach main",
    "detach temp",
    "vacuum",
    "vacuum into 'MARK'",
    "analyze",
    "reindex",
    "begin",
    "begin immediate",
    "commit",
    "end",
    "rollback",
    "savepoint eve",
    "release eve",
    "create temp table eve (x)",
    "create temp view eve as select email from users",
    "create virtual table eve using fts5(x)",
    "create virtual table temp.eve using fts4(content='users', email)",
    "create virtual table temp.eve using dbstat",
    "create temp trigger eve after insert on users begin select 1; end",
    "drop view users",
    "drop view temp.users",
    "insert into sqlite_master values (1, 2, 3, 4, 5)",
    "update sqlite_temp_master set sql = replace(sql, 'role', 'email')",
    "explain select email from users",
    "explain query plan select email from users",
    "explain select * from main.users",
    "select * from users indexed by users_email",
    "select * from users as u, users as v using (email)",
    "select * from users natural join people",
    "select * from users u left join people p using (email)",
    "select * from (select * from people) natural full join users",
    "select rowid, oid, _rowid_ from users",
    "select user_id from users where rowid in (select rowid from people)",
    "select 'ann' in people",
    "select 'ann' in users",
    "select ('ann', 'zoe@leak-one.example', 'free', 'B2', 'x', 'y') in users",
    "select (select * from users limit 1) = ('ann', 'zoe@leak-one.example', 'free', 'B2', 'x', 'y')",
    "select json_extract(json_object('a', email), '$.a') from users",
    "select value from users, json_each(json_array(email))",
    "select value from json_each((select email from users))",
    "select email_lower from users",
    "select * from (select 'zoe@leak-one.example' as email_lower) full join users using (email_lower)",
    "select password from users",
    "select * from (select 'x' as password) full join users using (password)",
    "with users as (select * from main.users) select * from users",
    "with users(email) as (select email from users) select * from users",
    "with people as materialized (select * from people) select * from people",
    "select * from users where user_id = (select user_id from users where email > 'm' limit 1)",
    "select max(user_id) filter (where email > 'm') from users",
    "select group_concat(role) over (order by email rows between 1 preceding and 1 following) from users",
    "select user_id from users group by 1 having count(email) > 0",
    "select user_id from users window w as (order by email)",
    "select 1 from users union select 2 from users order by email",
    "select * from users limit (select length(email) from users)",
    "select * from users order by (select email)",
    "select * from users order by 2",
    "select iif(exists(select 1 from users where email glob 'z*'), 1, 0)",
    "select '\0' || email from users",
    "select e\u200bmail from users",
    "select ｅmail from users",
    "table users",
    "\ufeffselect email from users",
    "select" + "(" * 300 + "1" + ")" * 300,
    "select 1" + " union all select 1" * 200,
    "select " + ",".join(["1"] * 5_000),
    "select max(" + ",".join(["1"] * 300) + ")",
    "select '" + "x" * 150_000 + "'",
    "select 'x' like '" + "%x" * 2_000 + "'",
)
BIG = (  # a text of 20,000 letters, to make larger ones of
    "with recursive d(d) as (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)), "
    "t(t) as (select group_concat(hex(a.d), '') from d a, d b, d c, d e) "
)
SQLITE_ENDLESS = (
    "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n",
    "with recursive n(i) as (select 1 union select i + 1 from n) select count(*) from n",
    "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n where i < 0",
    "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n order by -i",
    "with recursive n(i) as (select 1 union all select 1 from n) select distinct i from n",
    "with recursive n(i) as (select 1 union all select i from n, (select 1 union all select 2)) select count(*) from n",
    "select count(*) from CROSS",
    "select * from CROSS where u0.role || u15.role = 'nobody'",
    "select max(random()) from CROSS",
    "select 1 where exists (with recursive n(i) as (select 1 union all select i + 1 from n) select 1 from n where i < 0"
    ")",
    "select (with recursive n(i) as (select 1 union all select i + 1 from n) select sum(i) from n)",
    "select sum(i) over (order by i) from"
    " (with recursive n(i) as (select 1 union all select i + 1 from n) select i from n)",
    BIG + ", n(i, t) as (select 1, t from t union all select i + 1, t from n) select i from n order by t || i",
    BIG + ", n(i, t) as (select 1, t from t union all select i + 1, t from n) select group_concat(t || i) from n",
    BIG + ", n(i, t) as (select 1, t || t from t union all select i + 1, t || t from n) select max(length(t)) from n",
    BIG + ", n(t) as (select t from t union all select replace(t, '3', '333') from n) select max(length(t)) from n",
    BIG + ", n(i, t) as (select 1, t from t union all select i + 1, t from n)"
    " select count(*) from n where instr(t, t || i)",
    BIG + ", n(i, t) as (select 1, t from t union all select i + 1, t from n) select count(distinct t || i) from n",
)

LONG = (  # a text of 90,000 letters, and many rows to work on it in
    "with d(d) as (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)), "
    "t(t) as (select substr(group_concat('aaaaaaaaa', ''), 1, 90000) from d a, d b, d c, d e) "
)
_SLOW = """
instr(t||ROW,substr(t,1,45000)||'b') replace(t||ROW,substr(t,1,45000)||'b','c')
trim(t||ROW,replace(substr(t,1,6000),'a','c')||'a0123456789') rtrim(t,replace(substr(t,1,6000),'a','c')||ROW||'a')
ltrim(t,replace(substr(t,1,6000),'a','c')||ROW||'a') t||ROW_like_PATTERN t||ROW_glob_PATTERN
strftime(replace(substr(t,1,8000),'a','%J'),ROW) json_extract(json_quote(t||ROW),'$')
json_valid(replace(substr(t,1,90000),'aa','1,')||ROW) hex(substr(t,1,40000)||ROW) lower(upper(t||ROW))
"""
SLOW = tuple(
    call.replace("_like_PATTERN", f" like '{'%_a' * 160}%b'").replace("_glob_PATTERN", f" glob '{'*[a]' * 120}*b'")
    for call in _SLOW.replace("ROW", "a.d||b.d||c.d||e.d||f.d||g.d").split()
)
# One row has no look at a clock in it, and of these some take long.
SQLITE_SLOW = (
    *(f"{LONG}select count(*) from t, d a, d b, d c, d e, d f, d g, d h where ({call}) = 'x'" for call in SLOW),
    *(f"{LONG}select {', '.join([call] * 100)} from t, d a, d b, d c, d e, d f, d g" for call in SLOW[:3]),
    f"{LONG}select {' + '.join([SLOW[0]] * 150)} from t, d a, d b, d c, d e, d f, d g",
    f"{LONG}select count(*) from t, d a, d b, d c, d e, d f, d g, d h group by {', '.join([SLOW[0]] * 60)}",
)

POSTGRESQL_COLUMNS = (("users", "email"),)
_WHOLE_ROWS = """
u u.* (u).* u::text (u).email row(u.*) row_to_json(u) to_json(u) to_jsonb(u) to_jsonb(u)->>'email' json_agg(u)
jsonb_agg(u) array_agg(u) array_to_json(array_agg(u)) string_agg(u::text,',') xmlforest(u.email)
xmlelement(name,a,u.email) md5(u::text) hashtext(u::text) count(u) count(distinct(u)) u=u u>u u_is_null format('%s',u)
concat(u) concat_ws(',',u) quote_literal(u::text) length(u::text) pg_column_size(u) pg_column_size(u.*)
jsonb_each_text(to_jsonb(u)) json_each(row_to_json(u)) u.email u.ctid u.xmin u.tableoid,u.email coalesce(u)
greatest(u) nullif(u,null) ascii(u.email) encode(u.email::bytea,'hex') u::users (u::users).email (select(u))
(select(u.email)) array(select(u.email)) exists(select(u.email)) hash_record(u) record_out(u) num_nulls(u.*)
jsonb_object_agg(u.user_id,u.email) json_build_object('a',u) json_populate_record(null::users,'{}') lag(u)over()
max(u.email) first_value(u)over(order_by_u.email) mode()within_group(order_by_u.email)
percentile_disc(0.5)within_group(order_by_u.email)
"""
WHOLE_ROWS = _WHOLE_ROWS.split()
QUERIED = (
    "select email from users",
    "select * from users",
    "select u from users u",
    "delete from users",
    "drop table users",
    "copy users to 'MARK'",
)
_STATISTICS = """
pg_stats pg_statistic pg_stats_ext pg_stats_ext_exprs pg_statistic_ext_data pg_authid pg_shadow pg_user_mapping
pg_largeobject pg_hba_file_rules pg_file_settings pg_subscription pg_config pg_stat_activity pg_stat_statements
accounts people everybody pg_backend_memory_contexts pg_shmem_allocations pg_stat_replication pg_replication_slots
pg_toast.pg_toast_2619 pg_ident_file_mappings
"""
STATISTICS = _STATISTICS.split()
_MIGHTY = """
pg_read_file('FILE') pg_read_file('postgresql.conf') pg_read_binary_file('FILE') pg_ls_dir('.') pg_ls_dir('/')
pg_ls_waldir() pg_ls_logdir() pg_ls_tmpdir() pg_stat_file('FILE') lo_import('FILE') lo_import('FILE',4712)
lo_export(1,'MARK') lo_create(4711) lo_creat(-1) lo_from_bytea(4713,'x') lo_put(4711,0,'x') lo_get(4711)
lo_unlink(4711) lo_open(4711,131072) lowrite(0,'x') pg_reload_conf() pg_rotate_logfile() pg_switch_wal()
pg_create_restore_point('x') pg_promote() pg_terminate_backend(0) pg_cancel_backend(0)
pg_log_backend_memory_contexts(0) pg_stat_reset() pg_stat_reset_shared('bgwriter') pg_start_backup('x')
pg_backup_start('x') pg_export_snapshot() pg_create_physical_replication_slot('eve')
pg_create_logical_replication_slot('eve','x') pg_logical_emit_message(true,'a','b')
pg_replication_origin_create('eve') pg_notify('a','b') pg_advisory_lock(1) pg_advisory_xact_lock(2)
pg_try_advisory_lock(3) pg_advisory_unlock_all() set_config('role','admin',false)
set_config('session_authorization','admin',false) set_config('transaction_read_only','off',true)
set_config('statement_timeout','0',false) set_config('default_transaction_read_only','off',false)
set_config('log_statement','all',false) set_config('search_path','eve',false)
set_config('session_preload_libraries','MARK',false) set_config('temp_tablespaces','x',false)
set_config('row_security','off',false) set_config('lo_compat_privileges','on',false)
set_config('work_mem','100GB',false) current_setting('data_directory') current_setting('hba_file') setval('numbers',7)
nextval('numbers') currval('numbers') lastval() pg_import_system_collations('public') pg_relation_filepath('users')
pg_get_viewdef('people') pg_prewarm('users') dblink('dbname=postgres','select_1') dblink_exec('drop_table_users')
dblink_connect('host=127.0.0.1') postgres_fdw_handler() file_fdw_handler() plpython3u_call() inet_server_addr()
version() xpath('/x',xmlparse(document'<!DOCTYPE_a_[<!ENTITY_b_SYSTEM_"file:///etc/passwd">]><a>&b;</a>'))
pg_extension_config_dump('users','') has_column_privilege('users','email','select')
pg_get_functiondef('steal'::regproc) steal() steal_all() pg_file_write('MARK','x',false)
pg_execute_server_program('touch_MARK') makeaclitem(10,10,'SELECT',true) binary_upgrade_set_next_pg_type_oid(1)
pg_nextoid('pg_class','oid','pg_class_oid_index') pg_create_subscription() pg_wal_replay_pause() pg_current_xact_id()
txid_current() gin_clean_pending_list('users') brin_summarize_new_values('users') pg_sequence_last_value('numbers')
amvalidate(1) ts_stat('select_email_from_users') ts_rewrite('a','select_email,email_from_users')
crosstab('select_email_from_users') connectby('users','email','email','a',0) pg_identify_object_as_address(1,1,1)
"""
MIGHTY = _MIGHTY.split()
POSTGRESQL_BY_HAND = (
    *(f"select {_spaced(row)} from users u" for row in WHOLE_ROWS),
    *(f"select 1 from users u order by {_spaced(row)}" for row in WHOLE_ROWS),
    *(f"select 1 from users u where ({_spaced(row)}) is not null" for row in WHOLE_ROWS),
    *(
        f"select {function}('{text}'{rest})"
        for (function, rest), text in product(
            (
                ("query_to_xml", ", true, true, ''"),
                ("query_to_xmlschema", ", true, true, ''"),
                ("query_to_xml_and_xmlschema", ", true, true, ''"),
                ("ts_stat", ""),
                ("dblink", ""),
                ("crosstab", ""),
            ),
            [text.replace("'", "''") for text in QUERIED],
        )
    ),
    *(
        f"select {function}('{name}'{rest})"
        for (function, rest), name in product(
            (
                ("table_to_xml", ", true, true, ''"),
                ("table_to_xml_and_xmlschema", ", true, true, ''"),
                ("schema_to_xml", ", true, true, ''"),
                ("table_to_xmlschema", ", true, true, ''"),
            ),
            ("users", "public", "accounts", "people", "pg_stats"),
        )
    ),
    "select database_to_xml(true, true, '')",
    "select database_to_xml_and_xmlschema(true, true, '')",
    *(f"select * from {view}" for view in STATISTICS),
    *(f"select to_jsonb(s) from {view} s where to_jsonb(s)::text like '%leak%'" for view in STATISTICS),
    *(f"select query_to_xml('select * from {view}', true, true, '')" for view in STATISTICS),
    "select most_common_vals, histogram_bounds from pg_stats where attname = 'email'",
    "select stavalues1 from pg_statistic",
    "select stavalues1::text from pg_statistic where starelid = 'users'::regclass",
    "select most_common_vals from pg_stats where tablename = 'users' and attname in ('email', 'password')",
    *(f"select {_spaced(call)}" for call in MIGHTY),
    *(f"select 1 from users where {call}::text is not null" for call in MIGHTY),
    *(f"select * from {call} as q" for call in MIGHTY),
    *(
        f"select {call} from generate_series(1, 40) i"
        for call in (
            "pg_logical_emit_message(false, 'x', repeat('x', 1000000))",
            "pg_logical_emit_message(true, 'x', repeat('x', 1000000))",
            "lo_from_bytea(0, convert_to(repeat(md5(random()::text), 100000), 'UTF8'))",
            "lo_create(0)",
            "lo_put(lo_creat(-1), 0, convert_to(repeat(md5(random()::text), 100000), 'UTF8'))",
        )
    ),
    "copy users to program 'touch MARK'",
    "copy users to 'MARK'",
    "copy (select email from users) to stdout",
    "copy users from program 'touch MARK'",
    "copy users from 'FILE'",
    "select 1; copy users to program 'touch MARK'",
    "do $$ begin perform 1; end $$",
    "do $x$ begin execute 'drop table users'; end $x$",
    "select 1; do $$ begin execute 'drop table users'; end $$",
    "create temp table eve (x int)",
    "create temp table eve as select email from users",
    "create temporary view eve as select email from users",
    "create function eve() returns int language sql as 'select 1'",
    "create function eve() returns int language c as 'MARK'",
    "create extension dblink",
    "create extension file_fdw",
    "create server eve foreign data wrapper file_fdw",
    "create user eve superuser",
    "create role eve",
    "create database eve",
    "create schema eve",
    "create tablespace eve location 'MARK'",
    "create policy eve on users",
    "create rule eve as on select to users do nothing",
    "create event trigger eve on ddl_command_start execute function eve()",
    "create publication eve for all tables",
    "create operator ~~~ (procedure = eve)",
    "create cast (int as text) with inout",
    "alter role fluency_sql superuser",
    "alter role fluency_sql set statement_timeout = 0",
    "alter system set shared_preload_libraries = 'MARK'",
    "alter database attacked set statement_timeout = 0",
    "alter table users owner to fluency_sql",
    "alter default privileges grant select on tables to public",
    "grant select on users to fluency_sql",
    "grant admin to fluency_sql",
    "revoke all on users from public",
    "set role admin",
    "set role attacked_owner",
    "reset role",
    "reset all",
    "set session authorization admin",
    "set session authorization default",
    "set transaction read write",
    "set session characteristics as transaction read write",
    "set statement_timeout = 0",
    "discard all",
    "deallocate all",
    "prepare eve as select email from users",
    "execute eve",
    "declare eve cursor with hold for select email from users",
    "fetch all from eve",
    "listen eve",
    "notify eve, 'x'",
    "unlisten *",
    "lock table users",
    "lock table users in access exclusive mode",
    "load 'MARK'",
    "checkpoint",
    "cluster",
    "vacuum",
    "vacuum full users",
    "analyze users",
    "reindex table users",
    "refresh materialized view eve",
    "comment on table users is 'x'",
    "security label on table users is 'x'",
    "import foreign schema public from server eve into public",
    "reassign owned by fluency_sql to admin",
    "truncate users cascade",
    "call eve()",
    "begin",
    "commit",
    "commit; drop table users",
    "rollback; drop table users",
    "end",
    "abort",
    "prepare transaction 'eve'",
    "commit prepared 'eve'",
    "rollback to savepoint sa_savepoint_1",
    "release savepoint sa_savepoint_1",
    "close all",
    "show all",
    "explain analyze delete from users",
    "explain analyze select email from users",
    "explain (analyze, verbose) select * from users where email > 'm'",
    "select * into eve from users",
    "select user_id into temp eve from users",
    "select * from users for update",
    "select user_id from users for update",
    "select user_id from users for share of users",
    "select user_id from users for no key update skip locked",
    "table users",
    "table only public.users",
    "select * from users",
    "select users from users",
    "select users.email from users join (select 'zoe@leak-one.example' as email) g using (email)",
    "select count(*) from users natural join (select 'zoe@leak-one.example' as email) g",
    "select u.* from users u, lateral (select u.email as e) x",
    "select e from users u cross join lateral (select u.email) x(e)",
    "select (select email from users where user_id = u.user_id) from users u",
    "select * from users u(a, b, c, d, e, f)",
    "select b from users u(a, b, c, d, e, f)",
    'select U&"\\0065mail" from users',
    "select U&\"!0065mail\" UESCAPE '!' from users",
    "select e\\mail from users",
    "select \"e\" 'mail' from users",
    "select $$email$$, $a$ ; drop table users; $a$ from users",
    "select E'\\' ; drop table users; --'",
    "select ';' /* /* nested */ ; drop table users */ from users",
    "select 1 -- ; drop table users\r; drop table users",
    "select 1) as answer where true; drop table users; --",
    "select 1) as answer union all select email from users; --",
    "select 1) as answer union all (select email from users",
    "select 1 as x) as answer, (select email from users) as q (y",
    "with x as (select * from users) select email from x",
    "with x as not materialized (select email from users) select count(*) from x where email > 'm'",
    "with recursive x as (select email from users union select email from x) select * from x",
    "with x as (update users set role = 'x' returning email) select * from x",
    "with x as (delete from users returning *) select * from x",
    "with x as (insert into users (user_id) values ('eve') returning *) select * from x",
    "with x as (merge into users using users u on true when matched then delete) select 1",
    "select * from people",
    "select count(*) from everybody",
    "select pw from accounts",
    "select steal()",
    "select cast(email as int) from users",
    "select 1 / length(email) from users",
    "select ('x' || email)::regclass from users",
    "select email::date from users",
    "select xmlparse(document email) from users",
    "select email::jsonb from users",
    "select format(email) from users",
    "select to_date(email, email) from users",
    "select regexp_match('a', email) from users",
    "select convert_from(email::bytea, email) from users",
    "select nextval(email) from users",
    "select has_table_privilege(email, 'select') from users",
    "select current_setting(email) from users",
    "select set_config('application_name', email, false) from users",
    "select pg_notify('a', email) from users",
    "select query_to_xml('select ' || quote_literal(email), true, true, '') from users",
    "select attacked_owner.email from users",
    "select email from attacked.public.users",
    "select email from pg_temp.users",
    "select email from information_schema.users",
    "select * from information_schema.column_privileges",
    "select * from information_schema.columns where column_name = 'email'",
    "select column_default from information_schema.columns",
    "select role from users where user_id = any (select user_id from users where email > 'm')",
    "select user_id from users order by email",
    "select user_id from users group by user_id, email",
    "select user_id from users group by user_id having max(email) > 'm'",
    "select max(user_id) filter (where email > 'm') from users",
    "select rank() over (order by email) from users",
    "select distinct on (email) user_id from users",
    "select rank('m') within group (order by email) from users",
    "select grouping(email) from users group by cube (email)",
    "select user_id from users tablesample bernoulli (length((select max(email) from users)))",
    "select user_id from users limit (select length(max(email)) from users)",
    "select generate_series(1, length(email)) from users",
    "select email from users where false",
    "select null::users",
    "select (null::users).email",
    'select jsonb_populate_record(null::users, \'{"email": "x"}\')',
    'select * from json_to_recordset(\'[{"email": "x"}]\') as u(email text) join users using (email)',
    "select * from rows from (unnest(array(select email from users))) as q",
    "select array(select email from users)",
    "select unnest(array(select email from users))",
    "select string_to_table((select string_agg(email, ',') from users), ',')",
    "values ((select email from users limit 1))",
    "select exists (select email from users)",
    "select count(email) from users",
    "select 1 from users where email is not distinct from null",
    "select 1 from users where email ~ '^z'",
    "select 1 from users where email similar to 'z%'",
    "select 1 from users where (user_id, email) = ('ann', 'zoe@leak-one.example')",
    "select 1 from users where users = row('ann')",
    "select 1 from users where users::text like '%leak%'",
    "select 1 from users where to_tsvector(email) @@ 'leak'",
)
POSTGRESQL_ENDLESS = (
    "with recursive n(i) as (select 1 union all select 1 from n) select count(*) from n",
    "with recursive n(i) as (select 1::bigint union select i + 1 from n) select max(i) from n",
    "with recursive n(i) as (select 1::bigint union all select i + 1 from n) select i from n where i < 0",
    "select count(*) from generate_series(1, 100000000) a, generate_series(1, 100000000) b",
    "select * from generate_series(1, 100000000) a, generate_series(1, 100000000) b where a + b < 0",
    "select pg_sleep(600)",
    "select pg_sleep(600) from users",
    "select set_config('statement_timeout', '0', false), pg_sleep(600)",
    "select set_config('statement_timeout', '0', true), pg_sleep(case when i > 150 then 600 else 0 end)"
    " from generate_series(1, 1000) i",
    "select i, case when i < 101 then set_config('statement_timeout', '0', false) else pg_sleep(600)::text end"
    " from generate_series(1, 1000) i",
    "select pg_sleep(0.01) from generate_series(1, 1000000)",
    "select count(*) from CROSS",
    "select repeat('a', 10000) ~ '^(a|a|a)*(a|a)*b$', pg_sleep(600)",
    "select sum(i) over (order by i) from generate_series(1, 100000000) i order by 1 desc",
    "select 1 where exists (select 1 from generate_series(1, 10000000000) i where i < 0)",
    "select max(md5(i::text)) from generate_series(1, 10000000000) i",
)
TOO_LONG = (
    "select repeat('x', 20000000)",
    "select repeat('x', 400000), repeat('y', 400000)",
    "select string_agg(repeat('x', 1000), '') from generate_series(1, 1000)",
    "select array_agg(repeat('x', 1000)) from generate_series(1, 1000)",
    "select i, repeat('x', i) from generate_series(1, 1000000, 100000) i",
)

CROSS = ", ".join(f"users u{number}" for number in range(16))

SQLITE = {
    "reading": reading(WITHHELD, OF_SQLITE, "group_concat"),
    "joining": joining(
        (("users", "email"), ("detected_errors", "error_text")), ("{t}", "main.{t}", "temp.{t}", "people")
    ),
    "writing": writing(),
    "by hand": SQLITE_BY_HAND,
    "endless": (*(text.replace("CROSS", CROSS) for text in SQLITE_ENDLESS), *SQLITE_SLOW),
}
POSTGRESQL = {
    "reading": reading(POSTGRESQL_COLUMNS, OF_POSTGRESQL, "string_agg"),
    "joining": joining(POSTGRESQL_COLUMNS, ("{t}", "public.{t}", "only {t}", "people")),
    "writing": writing(),
    "by hand": POSTGRESQL_BY_HAND,
    "endless": tuple(text.replace("CROSS", CROSS) for text in POSTGRESQL_ENDLESS),
    "too long": TOO_LONG,
}
