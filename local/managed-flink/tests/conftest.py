"""What several tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import FakeCluster, serve_cluster
from tests.harness import Double, double, served


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches an account."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cluster() -> FakeCluster:
    """A Flink and an S3 without either, with code that runs."""
    fake = FakeCluster()
    fake.put("job.jar", b"RUNS")
    for behaviour in ("THROWS", "FAILS", "FINISHES", "WAITS"):
        fake.put(f"{behaviour.lower()}.jar", behaviour.encode())
    return fake


@pytest.fixture
def cluster_url(cluster: FakeCluster) -> Iterator[str]:
    with served(serve_cluster(cluster)) as url:
        yield url


@pytest.fixture
def managed(cluster_url: str, tmp_path: Path) -> Iterator[Double]:
    """A double over that cluster."""
    with double(cluster_url, tmp_path) as made:
        yield made
