"""The archive: records of the event history as Parquet files in a store that speaks S3, queried where they are."""
