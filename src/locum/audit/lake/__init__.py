"""CloudTrail Lake: the events of event data stores in a column store, and SQL queries on them."""
