"""Starts the double: `python -m managed_flink --help`."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from managed_flink.api_model import ApiModel
from managed_flink.code import CodeStore
from managed_flink.faults import Faults
from managed_flink.flink import Flink
from managed_flink.lifecycle import RESTARTS_WITHOUT_END, Lifecycle, Pace
from managed_flink.metrics import Metrics
from managed_flink.server import Api, Control, serve
from managed_flink.service import Quotas, Service
from managed_flink.state import Store


def parser() -> argparse.ArgumentParser:
    """The command line."""
    arguments = argparse.ArgumentParser(
        prog="managed_flink",
        description="A double of Amazon Managed Service for Apache Flink over a real Flink session cluster.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = arguments.add_argument
    add("--port", type=int, default=8390, help="the port on 127.0.0.1 that the API listens on; 0 is any free one")
    add("--flink", required=True, metavar="URL", help="the REST address of the Flink session cluster")
    add("--snapshots", required=True, metavar="URI", help="the directory of the snapshots, as Flink reaches it")
    add("--properties-file", type=Path, required=True, help="where the jobs' main() reads the runtime properties")
    add("--state", type=Path, metavar="DIR", help="keeps the applications over a restart of the double")
    add("--s3-endpoint", metavar="URL", help="what plays S3; AWS itself without it")
    add("--cloudwatch-endpoint", metavar="URL", help="what plays CloudWatch; no metrics without it")
    add("--metrics-period", type=float, default=60, metavar="SECONDS", help="between two values of each metric")
    add("--region", default="us-east-1", help="the region in ARNs")
    add("--account", default="000000000000", help="the account in ARNs")
    add("--passing", type=float, default=Pace.passing, metavar="SECONDS", help="how long passing statuses last")
    add("--poll", type=float, default=Pace.poll, metavar="SECONDS", help="between two looks at Flink")
    add("--start-limit", type=float, default=Pace.start_limit, metavar="SECONDS", help="for a job to be up")
    add("--snapshot-limit", type=float, default=Pace.snapshot_limit, metavar="SECONDS", help="for a savepoint")
    add("--operations-lag", type=float, default=0, metavar="SECONDS", help="until new operations are listed")
    add("--max-applications", type=int, default=Quotas.applications, help="quota of the account")
    add("--max-kpus", type=int, default=Quotas.kpus, help="quota of an application")
    add("--max-snapshots", type=int, default=Quotas.snapshots, help="quota of an application")
    add("--failed-jobs-stay-running", action="store_true", help="instead of READY, where a job failed for good")
    add("--scaling-makes-versions", action="store_true", help="automatic scaling raises the version")
    add("-D", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="a Flink setting of all jobs")
    add("--verbose", action="store_true", help="log each call")
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until it is told to end by SIGTERM or SIGINT."""
    arguments = parser()
    options = arguments.parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    for name in ("botocore", "boto3", "urllib3", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    settings = dict(RESTARTS_WITHOUT_END)
    for setting in options.settings:
        key, equals, value = setting.partition("=")
        if not key or not equals:
            arguments.error(f"-D takes KEY=VALUE, not {setting}")
        settings[key] = value

    faults = Faults()
    code = CodeStore(options.s3_endpoint, options.region)
    lifecycle = Lifecycle(
        Flink(options.flink),
        code,
        faults,
        Store(options.state),
        snapshots=options.snapshots,
        properties_file=options.properties_file,
        flink_settings=settings,
        pace=Pace(options.passing, options.poll, options.start_limit, options.snapshot_limit),
        failed_jobs_stay=options.failed_jobs_stay_running,
        scaling_makes_versions=options.scaling_makes_versions,
    )
    service = Service(
        lifecycle,
        code,
        quotas=Quotas(options.max_applications, options.max_kpus, options.max_snapshots),
        region=options.region,
        account=options.account,
        operations_lag=options.operations_lag,
    )
    server = serve(options.port, Api(ApiModel(), service, faults), Control(lifecycle, faults), service)
    threading.Thread(target=lifecycle.watch, name="watch", daemon=True).start()
    if options.cloudwatch_endpoint:
        metrics = Metrics(lifecycle, options.cloudwatch_endpoint, options.region, options.metrics_period)
        threading.Thread(target=metrics.run, name="metrics", daemon=True).start()

    def end(_number: int, _frame: object) -> None:
        # shutdown() waits for serve_forever(), which this very thread is in.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print(f"Managed Flink: http://127.0.0.1:{server.server_port}, over {options.flink}", flush=True)
    server.serve_forever()
    lifecycle.end()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
