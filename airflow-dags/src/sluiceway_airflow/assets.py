"""Assets that stand for what streams write, and are watched through Sluiceway's queue of events."""

from __future__ import annotations

from typing import Any, Final

from airflow.providers.common.messaging.triggers.msg_queue import MessageQueueTrigger
from airflow.sdk import Asset, AssetWatcher

LONG_POLL_SECONDS: Final = 20
"""How long SQS may keep a question for messages, its longest. A message that comes is answered with at once."""


def flink_events(
    name: str,
    queue_url: str,
    *,
    aws_conn_id: str | None = "aws_default",
    region_name: str | None = None,
    verify: bool | str | None = None,
    botocore_config: dict[str, Any] | None = None,
) -> Asset:
    """Make an asset that has an event whenever Sluiceway tells of something.

    A message is taken off the queue before Airflow knows of it. So what it tells may get lost, and an event of the
    asset is but a reason to look; ``DispatchFlinkDataOperator`` does. A queue has one watcher: assets that name the
    same queue with the same settings share it, any other takes messages away from the others.

    :param name: the asset's name
    :param queue_url: the queue, ``AirflowQueue`` of the stack's outputs
    :param aws_conn_id: the Airflow connection that holds the credentials; it needs ``sqs:ReceiveMessage`` and
        ``sqs:DeleteMessage``
    :param region_name: the region; the connection's by default
    :param verify: whether, or by which certificates, TLS is verified
    :param botocore_config: settings of the client; its read timeout has to be above 20 s
    """
    trigger = MessageQueueTrigger(
        # Named, since an address is recognized only if it is one of AWS's own.
        scheme="sqs",
        sqs_queue=queue_url,
        aws_conn_id=aws_conn_id,
        region_name=region_name,
        verify=verify,
        botocore_config=botocore_config,
        max_messages=10,
        wait_time_seconds=LONG_POLL_SECONDS,
        # Between two questions, besides; a service that doesn't keep questions isn't asked without a pause.
        waiter_delay=1,
    )
    return Asset(name, watchers=[AssetWatcher(name=f"{name}-events", trigger=trigger)])
