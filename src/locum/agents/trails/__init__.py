"""CloudTrail's deliveries: log files, digest files, notices and log events of trails.

reconciler   has each trail's deliveries made when they are due
delivery     one trail: from the event history to its bucket, its topic and its log group
log_events   one trail: its log group
digests      one trail: its digest files
records      the events of a trail in the event history
event_bus    the events that some trail logs, for the rules of EventBridge
"""
