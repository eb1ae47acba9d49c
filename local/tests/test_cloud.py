"""What is said when the stack's AWS can't be used."""

from dataclasses import replace
from pathlib import Path

import pytest

from stack.cloud import Cloud
from stack.errors import StackError
from stack.settings import Settings, load_settings
from tests.web import serve


@pytest.fixture
def settings(tmp_path: Path, free_port: int) -> Settings:
    """Of a stack that has something to upload."""
    flights = tmp_path / "flink-jobs" / "data" / "nycflights13" / "flights.csv"
    jobs = tmp_path / "flink-jobs"
    for file in (flights, jobs / "target" / "flight-delays.jar", jobs / "v2" / "target" / "flight-delays-v2.jar"):
        file.parent.mkdir(parents=True)
        file.touch()
    return replace(load_settings(environment={}), root=tmp_path, aws_port=free_port)


def test_upload_nobody_listens_says_where_to_look(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    cloud = Cloud(settings)

    with pytest.raises(StackError, match=rf"AWS at {settings.aws_url} couldn't be used: .*See `make status`"):
        cloud.upload_flights()
    with pytest.raises(StackError, match="Could not connect"):
        cloud.upload_jars()
    with pytest.raises(StackError, match="Could not connect"):
        cloud.deploy({}, settings.run_dir / "log" / "deploy.log")


def test_upload_is_refused_says_why(settings: Settings) -> None:
    with (
        serve(lambda _method, _path, _body: (403, {})) as port,
        pytest.raises(StackError, match=r"couldn't be used: .*403"),
    ):
        Cloud(replace(settings, aws_port=port)).upload_flights()


@pytest.mark.parametrize("jar", ["target/flight-delays.jar", "v2/target/flight-delays-v2.jar"])
def test_upload_jars_one_is_missing_says_how_to_build_it(settings: Settings, jar: str) -> None:
    (settings.root / "flink-jobs" / jar).unlink()

    with pytest.raises(StackError, match="aren't built: run `make build`"):
        Cloud(settings).upload_jars()
