"""The lists of functions: what never stands in them, what has to, and that the engines of this machine still agree."""

import json
import re
import sqlite3
from pathlib import Path

import duckdb
import pytest

from tests.guard.functions.generate import CATALOGS, LISTS, dialects, generate, read

SEEN = Path(__file__).parent / "corpus.jsonl"

HARMFUL = {
    "postgres": """
        pg_read_file pg_read_binary_file pg_ls_dir pg_ls_logdir pg_ls_waldir pg_ls_tmpdir pg_stat_file
        pg_current_logfile pg_hba_file_rules pg_show_all_file_settings pg_config pg_relation_filepath
        pg_tablespace_location pg_file_write lo_import lo_export lo_get lo_put lo_from_bytea lo_create lo_unlink loread
        lowrite query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml table_to_xml schema_to_xml
        database_to_xml database_to_xmlschema ts_stat ts_rewrite dblink dblink_exec dblink_connect crosstab connectby
        set_config setseed pg_sleep pg_sleep_for pg_sleep_until pg_advisory_lock pg_advisory_xact_lock
        pg_try_advisory_lock pg_advisory_unlock_all pg_terminate_backend pg_cancel_backend pg_reload_conf
        pg_rotate_logfile pg_notify nextval setval currval lastval txid_current pg_current_xact_id pg_switch_wal
        pg_create_restore_point pg_backup_start pg_promote pg_create_logical_replication_slot pg_drop_replication_slot
        pg_replication_slot_advance pg_logical_slot_get_changes pg_logical_emit_message pg_replication_origin_create
        pg_get_replication_slots pg_stat_reset pg_stat_reset_shared pg_stat_get_activity pg_stat_get_wal_receiver
        pg_export_snapshot pg_import_system_collations pg_prewarm pg_restore_relation_stats pg_clear_attribute_stats
        brin_summarize_new_values gin_clean_pending_list pg_log_backend_memory_contexts pg_mcv_list_items
        binary_upgrade_set_next_pg_type_oid pg_wal_replay_pause plpgsql_validator st_fromflatgeobuftotable
        addgeometrycolumn st_fromgdalraster create_hypertable drop_chunks set_limit pg_extension_config_dump
    """,
    "mysql": """
        sleep benchmark get_lock release_lock release_all_locks is_free_lock is_used_lock load_file master_pos_wait
        source_pos_wait master_gtid_wait wait_for_executed_gtid_set wait_until_sql_thread_after_gtids
        wsrep_sync_wait_upto_gtid nextval setval lastval last_insert_id sys_exec sys_eval sys_set keyring_key_fetch
        keyring_key_store keyring_key_generate audit_log_filter_set_user audit_log_read mysql_firewall_flush_status
        set_firewall_mode read_firewall_users asynchronous_connection_failover_add_source
        group_replication_set_as_primary group_replication_switch_to_single_primary_mode version_tokens_set
        service_get_write_locks gen_dictionary_load create_asymmetric_priv_key des_decrypt http_get ml_generate
        internal_table_rows roles_graphml
    """,
    "tsql": """
        openrowset openquery opendatasource openxml xp_cmdshell xp_dirtree xp_fileexist xp_regread sp_executesql
        sp_configure sp_oacreate fn_get_audit_file sys.fn_get_audit_file fn_trace_gettable sys.fn_trace_gettable
        fn_xe_file_target_read_file sys.fn_xe_file_target_read_file fn_dblog sys.fn_dblog fn_dump_dblog
        fn_virtualfilestats pwdcompare pwdencrypt decryptbykey decryptbypassphrase encryptbykey decryptbycert
        certprivatekey signbyasymkey loginproperty newsequentialid sys.dm_exec_sql_text dm_os_file_exists
        ai_generate_embeddings external_rest_call get_filestream_transaction_context update eventdata
    """,
    "oracle": """
        utl_http.request utl_http.request_pieces utl_tcp.open_connection utl_smtp.open_connection
        utl_inaddr.get_host_address utl_inaddr.get_host_name utl_file.fopen httpuritype dburitype xdburitype
        sys_dburigen bfilename dbms_xmlgen.getxml dbms_xmlgen.getxmltype dbms_xmlquery.getxml dbms_sql.execute
        dbms_sql.parse dbms_lock.sleep dbms_lock.request dbms_session.sleep dbms_session.set_identifier
        dbms_pipe.receive_message dbms_pipe.send_message dbms_alert.waitone dbms_scheduler.run_job dbms_job.submit
        dbms_java.runjava dbms_ldap.init dbms_cloud.send_request dbms_random.seed dbms_crypto.decrypt
        dbms_utility.exec_ddl_statement dbms_aq.dequeue dbms_system.ksdwrt dbms_advisor.create_file
        dbms_vector_chain.utl_to_generate_text apex_web_service.make_rest_request vector_embedding nextval xmltransform
        dbms_stats.gather_table_stats
    """,
    "snowflake": """
        system$wait system$cancel_all_queries system$cancel_query system$abort_session system$abort_transaction
        system$send_email system$send_snowflake_notification system$pipe_force_resume system$task_dependents_enable
        system$user_task_cancel_ongoing_executions system$set_return_value system$enable_behavior_change_bundle
        system$authorize_privatelink system$generate_scim_access_token system$show_oauth_client_secrets
        system$global_account_set_parameter system$link_account_objects_by_name system$reference system$start_oauth_flow
        system$finish_oauth_flow ai_complete ai_classify ai_agg ai_embed snowflake.cortex.complete
        snowflake.cortex.summarize complete embed_text_768 infer_schema validate get_presigned_url build_stage_file_url
        build_scoped_file_url to_file to_query nextval parse_document
    """,
    "sqlite": """
        load_extension fts3_tokenizer readfile writefile edit zipfile zipfile_cds lsmode fsdir sqlite_log sqlar_compress
        sqlar_uncompress sqlite_dbpage sqlite_dbdata csv vsv eval shell_add_schema shell_module_schema fts5 fts5_decode
        fts5_expr optimize rtreecheck fts5_source_id sqlite_rename_column sqlite_rename_table sqlite_drop_column
        sqlite_add_constraint sqlite_fail sqlite_stmt bytecode tables_used pragma_journal_mode pragma_writable_schema
        pragma_wal_checkpoint pragma_optimize
    """,
    "duckdb": """
        read_csv read_csv_auto read_parquet parquet_scan read_json read_json_auto read_ndjson read_text read_blob
        sniff_csv glob parquet_metadata parquet_schema parquet_kv_metadata read_duckdb getenv which_secret
        duckdb_secrets duckdb_logs query query_table histogram_values json_execute_serialized_sql nextval currval setval
        setseed sleep_ms pg_sleep write_log checkpoint force_checkpoint enable_logging enable_profiling copy_database
        import_database st_read sqlite_scan postgres_query iceberg_scan delta_scan from_substrait arrow_scan pandas_scan
        python_map_function seq_scan __internal_barrier current_setting duckdb_settings add_parquet_key
        truncate_duckdb_logs create_external_resource
    """,
}

HONEST = {
    "postgres": """
        any_value array_reverse array_sort array_sample array_shuffle casefold crc32 crc32c date_add date_bin
        date_subtract date_trunc erf gamma gen_random_uuid has_table_privilege json_arrayagg json_exists json_objectagg
        json_query json_scalar json_serialize json_table json_value jsonb_path_query_array_tz jsonb_strip_nulls lgamma
        pg_basetype pg_column_size pg_get_acl pg_get_viewdef pg_input_is_valid pg_size_pretty pg_table_is_visible
        random_normal range_agg regexp_count regexp_substr string_agg to_oct to_regtypemod trim_array unicode_assigned
        unistr uuid_extract_timestamp uuidv4 uuidv7 websearch_to_tsquery width_bucket xmltext similarity word_similarity
        levenshtein unaccent digest hmac st_asgeojson st_dwithin st_asmvt st_coverageclean cosine_distance l2_distance
        time_bucket time_bucket_gapfill hstore_to_jsonb nlevel percentile_cont mode grouping merge_action
    """,
    "mysql": """
        any_value bin_to_uuid uuid_to_bin is_uuid json_table json_value json_overlaps json_schema_valid json_arrayagg
        json_objectagg json_key_value json_array_intersect json_object_filter_keys json_normalize json_detailed
        regexp_like regexp_substr regexp_replace regexp_instr row_number dense_rank percent_rank cume_dist ntile lag
        lead nth_value percentile_cont median st_distance_sphere st_asgeojson st_transform st_geohash st_simplify
        st_collect st_pointatdistance string_to_vector vector_to_string vector_dim distance vec_distance_cosine
        vec_distance_euclidean vec_fromtext vec_totext vec_distance uuid_v4 uuid_v7 inet6_aton statement_digest
        format_bytes natural_sort_key sformat random_bytes group_concat sys.format_time etag kdf
    """,
    "tsql": """
        approx_count_distinct approx_percentile_cont date_bucket datetrunc generate_series greatest least string_agg
        string_split json_object json_array json_path_exists json_contains json_objectagg json_arrayagg isjson
        json_modify openjson regexp_like regexp_replace regexp_substr regexp_matches regexp_split_to_table edit_distance
        jaro_winkler_similarity base64_encode base64_decode unistr product current_date vector_distance vector_norm
        vector_search bit_count left_shift get_bit stdistance stgeomfromtext stintersects value nodes exist tostring
        isdescendantof object_definition columnproperty fn_my_permissions iif choose try_convert concat_ws hashbytes
        switchoffset percentile_disc containstable changetable
    """,
    "oracle": """
        any_value approx_count_distinct approx_percentile bitmap_count boolean_and_agg checksum cosine_distance
        domain_check domain_display every from_vector fuzzy_match graph_table inner_product json json_arrayagg
        json_dataguide json_equal json_id json_mergepatch json_object json_scalar json_serialize json_table
        json_textcontains json_transform json_type kurtosis_pop l2_distance listagg match_number phonic_encode
        round_ties_to_even skewness_pop standard_hash time_bucket to_boolean to_vector vector_chunks vector_distance
        vector_norm vector_serialize xmltable xmlquery dbms_lob.substr dbms_random.value utl_raw.cast_to_varchar2
        utl_match.jaro_winkler_similarity regexp_count sys_context ora_hash validate_conversion
    """,
    "snowflake": """
        array_agg array_union_agg array_flatten array_remove array_reverse arrays_zip bitmap_construct_agg booland_agg
        conditional_true_event count_if date_trunc datasketches_hll div0null filter flatten generator get_path
        greatest_ignore_nulls h3_latlng_to_cell haversine hll iff is_null_value jarowinkler_similarity last_query_id
        listagg map_keys map_pick max_by min_by minhash object_construct_keep_null parse_ip parse_url ratio_to_report
        reduce regexp_substr_all search search_ip split_to_table st_dwithin system$typeof time_slice to_decfloat
        transform try_parse_json uniform vector_avg vector_cosine_similarity width_bucket
        information_schema.copy_history information_schema.query_history interpolate_linear
    """,
    "sqlite": """
        bm25 concat concat_ws cume_dist format geopoly_contains_point group_concat highlight if iif json_array_insert
        json_each json_error_position json_extract json_group_object json_patch json_pretty json_tree json_valid jsonb
        jsonb_each jsonb_extract jsonb_group_array jsonb_set jsonb_tree lag median nth_value octet_length percentile
        percentile_cont pragma_table_info pragma_table_list printf randomblob snippet sqlite_version strftime string_agg
        subtype timediff trunc unhex unistr unistr_quote unixepoch vec_distance_cosine zeroblob log2 atan2
    """,
    "duckdb": """
        approx_top_k arg_max_nulls_last array_cosine_distance array_cross_product bar bitstring_agg columns count_if
        date_trunc fill format_bytes generate_series histogram jaro_winkler_similarity json_each json_group_structure
        json_transform kahan_sum len list_aggregate list_cosine_similarity list_filter list_reduce list_transform
        list_zip make_timestamp_ns map_contains map_from_entries max_by min_by mode parse_path product quantile_cont
        range regexp_extract_all st_area st_transform strptime struct_insert struct_keys time_bucket try_strptime
        union_extract unnest url_decode uuid_extract_timestamp uuidv7 variant_extract variant_typeof weighted_avg
        duckdb_tables pragma_table_info match_bm25
    """,
}

GRAMMAR = """
    all and any apply as at before between by case cluster columns cross distinct else except exclude explain filter for
    from group grouping having in index intersect interval into is join keep lateral limit match_condition
    match_recognize materialized nested not nvarchar on option or order outer over partition path pattern pivot qualify
    recursive rename repeatable root rollup sample select set sets some tablesample then unpivot union using varchar
    varchar2 values when where window with within
"""
"""Words that stand before a parenthesis and call nothing."""


def listed(dialect: str) -> list[str]:
    return [line for line in (LISTS / f"{dialect}.txt").read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("dialect", dialects())
def test_a_list_is_sorted_lower_case_and_says_where_it_comes_from(dialect: str) -> None:
    text = (LISTS / f"{dialect}.txt").read_text()
    names = listed(dialect)
    assert names == sorted(set(names))
    assert all(re.fullmatch(r"[a-z_$][a-z0-9_$.]*", name) for name in names)
    assert text.startswith("# ")
    assert re.match(r"# .*\d", text)


@pytest.mark.parametrize("dialect", HARMFUL)
def test_what_does_harm_is_on_no_list(dialect: str) -> None:
    harmful = HARMFUL[dialect].split()
    assert len(set(harmful)) >= (60 if dialect == "postgres" else 30)
    assert not set(harmful) & set(listed(dialect))


@pytest.mark.parametrize("dialect", HARMFUL)
def test_what_one_dialect_refuses_no_engine_is_allowed(dialect: str) -> None:
    source = read(dialect)
    assert {name for name in listed("generic") if source.refuses(name)} == set()


@pytest.mark.parametrize("dialect", HONEST)
def test_what_honest_queries_call_is_on_the_list(dialect: str) -> None:
    honest = HONEST[dialect].split()
    assert len(set(honest)) >= 40
    assert not set(honest) - set(listed(dialect))


@pytest.mark.parametrize("dialect", dialects())
def test_a_list_is_what_its_sources_make(dialect: str) -> None:
    text = (LISTS / f"{dialect}.txt").read_text()
    if dialect == "duckdb" and f"DuckDB {duckdb.__version__}:" not in text:
        pytest.skip(f"the list is of another version than {duckdb.__version__}")
    assert generate(dialect) == text


def test_the_engines_that_are_asked_have_a_list() -> None:
    assert set(CATALOGS) < set(dialects())


def test_every_function_of_this_sqlite_is_known() -> None:
    source = read("sqlite")
    with sqlite3.connect(":memory:") as connection:
        names = {str(name).lower() for (name,) in connection.execute("select name from pragma_function_list")}
    assert {name for name in names if name.isidentifier() and not source.refuses(name)} <= source.passing


def test_what_the_seen_honest_statements_call_is_on_the_lists() -> None:
    missing: list[str] = []
    for row in map(json.loads, SEEN.read_text().splitlines()):
        if row["verdict"] != "allow" or row["sql"].upper().startswith("PRAGMA"):
            continue
        names = set(listed(row["dialect"]))
        sql = re.sub(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", "''", row["sql"].lower(), flags=re.DOTALL).replace("(+)", "")
        named = set(GRAMMAR.split()) | set(re.findall(r"(?:\bas|\bwith|\brecursive|\))\s+(\w+)\s*\(", sql))
        missing += [
            f"{row['id']}: {schema}{name}"
            for schema, name in re.findall(r"((?:[\w$]+\.)*)([a-z_][\w$]*)\s*\(", sql)
            if not {name, f"{schema}{name}"} & names and name not in named
        ]
    assert missing == []
