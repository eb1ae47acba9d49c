"""MiniStack, mended where it isn't the AWS that Sluiceway is deployed to: `python -m stack.ministack`.

It is the same server in the same process. Before it starts, a few of its functions are replaced by ones that do what
AWS does. They are MiniStack's own, not an interface, so this runs with the one version that it was tried with; each is
tested by what it makes a running MiniStack do.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack import app
from ministack.services import eventbridge, lambda_svc, s3, scheduler
from ministack.services.cloudformation import provisioners

VERSION = "1.5.33"

_log = logging.getLogger("sluiceway")

# The version of the object whose event is being sent, if its bucket keeps versions.
_object_version: ContextVar[str | None] = ContextVar("object_version", default=None)


def main() -> None:
    """Runs MiniStack, mended, until it is ended."""
    version = importlib.metadata.version("ministack")
    if version != VERSION:
        sys.exit(
            f"local/stack/ministack.py mends MiniStack {VERSION}, but {version} is installed. See whether what it "
            "mends is still wrong there, and whether its tests pass; then name the new version in it."
        )
    # It is how this program was found; the functions that MiniStack starts shall not inherit it.
    os.environ.pop("PYTHONPATH", None)
    mend()
    app.main()


def mend() -> None:
    """Replaces what differs from AWS."""
    _leave_schedules_to_the_ticker()
    _let_aliases_configure_asynchronous_calls()
    _let_rules_call_asynchronously()
    _tell_rules_of_object_versions()
    _deploy_schedules_whole()
    _deploy_archives()


def _leave_schedules_to_the_ticker() -> None:
    """MiniStack fires schedules too, but hands `<aws.scheduler.scheduled-time>` on as it is, and doesn't retry."""
    scheduler.start_scheduler = lambda: None


def _let_aliases_configure_asynchronous_calls() -> None:
    """An asynchronous call of `function:alias` follows the alias's EventInvokeConfig: its retries, its OnFailure.

    MiniStack stores that configuration, but looks for it on the version that the alias points to, where it never is.
    """
    invoke = lambda_svc.invoke_async_with_retry

    def invoke_as_configured(function: dict[str, Any], event: Any) -> None:
        arn = (function.get("config") or function)["FunctionArn"]
        _, qualifier = lambda_svc._lambda_function_name_and_qualifier_from_arn(arn)
        base, _, _ = lambda_svc._get_base_func_record_for_ref(arn)
        # On AWS a configuration without a qualifier is that of $LATEST.
        names = (qualifier,) if qualifier else ("", "$LATEST")
        configurations = (base or {}).get("event_invoke_configs") or {}
        configuration = next((configurations[name] for name in names if name in configurations), None)
        invoke({**function, "event_invoke_config": configuration, "event_invoke_configs": {}}, event)

    lambda_svc.invoke_async_with_retry = invoke_as_configured


def _let_rules_call_asynchronously() -> None:
    """A rule's call of a function is an asynchronous one, with Lambda's retries; MiniStack calls once and forgets."""

    def dispatch(arn: str, payload: str) -> None:
        function, configuration, name = lambda_svc._get_func_record_for_ref(arn)
        if not function or not configuration:
            _log.warning("A rule calls the function %s, which isn't there.", name)
            return
        try:
            event = json.loads(payload)
        except ValueError:
            # Lambda takes nothing but JSON.
            _log.warning("A rule's event for the function %s isn't JSON: %s", name, payload)
            return
        record = lambda_svc._execution_record_for_config(function, {**configuration, "FunctionArn": arn})
        lambda_svc.invoke_async_with_retry(record, event)

    eventbridge._dispatch_to_lambda = dispatch


def _tell_rules_of_object_versions() -> None:
    """S3's events on the bus have `version-id` if the bucket keeps versions."""
    fire = s3._fire_s3_event
    dispatch = eventbridge._dispatch_event

    def fire_with_version(*arguments: Any, **named: Any) -> None:
        token = _object_version.set(named.get("version_id"))
        try:
            fire(*arguments, **named)
        finally:
            _object_version.reset(token)

    def dispatch_with_version(event: dict[str, Any], view: Any = None) -> None:
        version = _object_version.get()
        if version and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event, view = {**event, "Detail": json.dumps(detail)}, None
        dispatch(event, view)

    s3._fire_s3_event = fire_with_version
    eventbridge._dispatch_event = dispatch_with_version


def _deploy_schedules_whole() -> None:
    """CloudFormation's schedules keep their time zone, start and end, and need a group that is there."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]
    create, update = handlers["create"], handlers["update"]

    def complete(name: str, properties: Mapping[str, Any]) -> None:
        group = properties.get("GroupName", "default")
        schedule = scheduler._schedules.get(f"{group}/{name}")
        if schedule is None:
            raise ValueError(f"Schedule {name} can't be in the group {group}, which does not exist.")
        schedule["ScheduleExpressionTimezone"] = properties.get("ScheduleExpressionTimezone", "UTC")
        for date in ("StartDate", "EndDate"):
            schedule[date] = scheduler._to_epoch(properties.get(date))

    def create_whole(logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        name, attributes = create(logical_id, properties, stack_name)
        complete(name, properties)
        return name, attributes

    def update_whole(
        physical_id: str, before: dict[str, Any], properties: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        name, attributes = update(physical_id, before, properties, stack_name)
        complete(name, properties)
        return name, attributes

    handlers.update(create=create_whole, update=update_whole)


def _deploy_archives() -> None:
    """CloudFormation can make an archive of a bus; MiniStack has archives, but not for templates."""

    def request(properties: Mapping[str, Any], name: str) -> dict[str, Any]:
        pattern = properties.get("EventPattern", "")
        return {
            "ArchiveName": name,
            "EventSourceArn": properties["SourceArn"],
            "Description": properties.get("Description", ""),
            "EventPattern": pattern if isinstance(pattern, str) else json.dumps(pattern),
            "RetentionDays": int(properties.get("RetentionDays", 0)),
        }

    def call(operation: Callable[[dict[str, Any]], tuple[int, Any, bytes]], body: dict[str, Any]) -> dict[str, Any]:
        status, _, answer = operation(body)
        if status >= 400:
            raise ValueError(f"AWS::Events::Archive: {json.loads(answer).get('message')}")
        return {"Arn": eventbridge._archives[body["ArchiveName"]]["ArchiveArn"]}

    def create(logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        name = properties.get("ArchiveName") or provisioners._physical_name(stack_name, logical_id, max_len=48)
        return name, call(eventbridge._create_archive, request(properties, name))

    def update(
        physical_id: str, _before: dict[str, Any], properties: dict[str, Any], _stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        return physical_id, call(eventbridge._update_archive, request(properties, physical_id))

    def delete(physical_id: str, _properties: dict[str, Any]) -> None:
        eventbridge._delete_archive({"ArchiveName": physical_id})

    provisioners._RESOURCE_HANDLERS["AWS::Events::Archive"] = {"create": create, "update": update, "delete": delete}
    provisioners._REPLACING_PROPERTIES["AWS::Events::Archive"] = ("ArchiveName", "SourceArn")


if __name__ == "__main__":
    main()
