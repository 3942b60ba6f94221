{# Where models go, and what stands there. #}

{% macro generate_schema_name(custom_schema_name=none, node=none) %}{{ return(adapter.dispatch('generate_schema_name', 'dbt')(custom_schema_name, node)) }}{% endmacro %}
{% macro default__generate_schema_name(custom_schema_name, node) -%}
  {{ target.schema if custom_schema_name is none else target.schema ~ '_' ~ (custom_schema_name | trim) }}
{%- endmacro %}
{% macro generate_schema_name_for_env(custom_schema_name, node) -%}
  {{ custom_schema_name | trim if target.name == 'prod' and custom_schema_name is not none else target.schema }}
{%- endmacro %}

{% macro generate_alias_name(custom_alias_name=none, node=none) %}{% do return(adapter.dispatch('generate_alias_name', 'dbt')(custom_alias_name, node)) %}{% endmacro %}
{% macro default__generate_alias_name(custom_alias_name=none, node=none) -%}
  {{ custom_alias_name | trim if custom_alias_name else node.name }}
{%- endmacro %}

{% macro generate_database_name(custom_database_name=none, node=none) %}{% do return(adapter.dispatch('generate_database_name', 'dbt')(custom_database_name, node)) %}{% endmacro %}
{% macro default__generate_database_name(custom_database_name=none, node=none) -%}
  {{ target.database if custom_database_name is none else custom_database_name }}
{%- endmacro %}

{% macro get_relation(database, schema, identifier) %}{{ return(adapter.get_relation(database, schema, identifier)) }}{% endmacro %}
{% macro get_columns_in_query(select_sql) %}
  {{ return(adapter.get_column_schema_from_query(select_sql) | map(attribute='name') | list) }}
{% endmacro %}
{% macro get_empty_subquery_sql(select_sql, select_sql_header=none) %}
  select * from ({{ select_sql }}) as __dbt_sbq where false limit 0
{% endmacro %}
{% macro get_or_create_relation(database, schema, identifier, type) %}
  {%- set found = adapter.get_relation(database=database, schema=schema, identifier=identifier) -%}
  {% if found %}{{ return([true, found]) }}{% endif %}
  {{ return([false, api.Relation.create(database=database, schema=schema, identifier=identifier, type=type)]) }}
{% endmacro %}
{% macro make_temp_relation(base_relation, suffix='__dbt_tmp') %}
  {{ return(base_relation.incorporate(path={'identifier': base_relation.identifier ~ suffix})) }}
{% endmacro %}

{% macro dates_in_range(start_date_str, end_date_str=none, in_fmt='%Y%m%d', out_fmt='%Y%m%d') %}
  {%- set first = modules.datetime.datetime.strptime(start_date_str | trim, in_fmt) -%}
  {%- set last = modules.datetime.datetime.strptime((end_date_str or start_date_str) | trim, in_fmt) -%}
  {% if last < first %}{{ exceptions.raise_compiler_error('the range ends before it begins: ' ~ first ~ ', ' ~ last) }}{% endif %}
  {%- set days = [] -%}
  {% for day in range((last - first).days + 1) %}
    {%- set date = first + modules.datetime.timedelta(days=day) -%}
    {% do days.append(date.strftime(out_fmt) if out_fmt else date) %}
  {% endfor %}
  {{ return(days) }}
{% endmacro %}
{% macro partition_range(raw_partition_date, date_fmt='%Y%m%d') %}
  {%- set days = (raw_partition_date | string).split(',') -%}
  {{ return(dates_in_range(days[0], days[1] if days | length > 1 else none, in_fmt=date_fmt)) }}
{% endmacro %}
{% macro py_current_timestring() %}{% do return(modules.datetime.datetime.now().strftime('%Y%m%d%H%M%S%f')) %}{% endmacro %}
