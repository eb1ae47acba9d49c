"""The link from a waiting task to its job in the Flink UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink
from airflow.sdk.execution_time.xcom import XCom

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context
    from airflow.sdk.types import TaskInstanceKey

    from sluiceway_airflow.answers import Answer


class FlinkJobLink(BaseOperatorLink):
    """Opens the job in the Flink UI."""

    name = "Flink job"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Give the address, or an empty text while none is known."""
        return XCom.get_value(key=self.xcom_key, ti_key=ti_key) or ""

    @classmethod
    def persist(cls, context: Context, answer: Answer) -> None:
        """Keep the address that an answer gives, if it gives one.

        Airflow itself stores a link when a task ends; stored here it also shows while the task waits.
        """
        if answer.job is not None and answer.job.links.flink_ui is not None:
            context["ti"].xcom_push(key=cls().xcom_key, value=answer.job.links.flink_ui)
