"""Events of S3 on the default bus of the bucket's account: they come to the rules there."""

from __future__ import annotations

import json

from support.deliveries import Queue, service
from support.inprocess import InProcess


def test_a_rule_hears_of_objects_where_the_bucket_tells_eventbridge(plane: InProcess) -> None:
    s3, events = plane.client("s3"), plane.client("events")
    s3.create_bucket(Bucket="told-to-eventbridge")
    s3.put_bucket_notification_configuration(
        Bucket="told-to-eventbridge", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    queue = Queue(plane, "of-eventbridge", service("events.amazonaws.com"))
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": ["told-to-eventbridge"]}}}
    events.put_rule(Name="objects", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="objects", Targets=[{"Id": "queue", "Arn": queue.arn}])
    s3.put_object(Bucket="told-to-eventbridge", Key="key", Body=b"body")
    (event,) = queue.received()
    assert (event["detail-type"], event["detail"]["object"]["key"]) == ("Object Created", "key")
    assert event["resources"] == ["arn:aws:s3:::told-to-eventbridge"]
