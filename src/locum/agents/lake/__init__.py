"""CloudTrail Lake: the events of event data stores are taken into a column store, and queries on them are run."""
