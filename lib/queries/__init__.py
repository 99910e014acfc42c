"""One module a question, the only place with SQL: (connection, plain values) -> DataFrame."""
