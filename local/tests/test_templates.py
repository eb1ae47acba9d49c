"""The CloudFormation templates, against the rules of cfn-lint: what AWS's own schemas and limits refuse."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stack.settings import ROOT

TEMPLATES = sorted((ROOT / "infra" / "cdk" / "src" / "test" / "snapshots").glob("*.template.json"))

# A function depends on its role and on the role's policy, since it may do nothing before it has both. CDK always names
# the two together, though the role alone would follow from the reference to it.
IGNORED = ["W3005"]


def lint(template: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            Path(sys.executable).with_name("cfn-lint"),
            "--non-zero-exit-code",
            "warning",
            "--ignore-checks",
            *IGNORED,
            "--",
            template,
        ],
        cwd=template.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_templates_are_there() -> None:
    assert len(TEMPLATES) >= 2


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_lint_committed_template_finds_nothing(template: Path) -> None:
    found = lint(template)

    assert (found.stdout, found.stderr, found.returncode) == ("", "", 0)


def test_lint_unknown_property_finds_it(tmp_path: Path) -> None:
    template = json.loads(TEMPLATES[0].read_text())
    table = next(it for it in template["Resources"].values() if it["Type"] == "AWS::DynamoDB::Table")
    table["Properties"]["BilingMode"] = "PAY_PER_REQUEST"
    wrong = tmp_path / "wrong.template.json"
    wrong.write_text(json.dumps(template))

    found = lint(wrong)

    assert "'BilingMode' was unexpected" in found.stdout
    assert found.returncode != 0


def test_lint_warning_is_an_error(tmp_path: Path) -> None:
    template = json.loads(TEMPLATES[0].read_text())
    template["Parameters"]["Unused"] = {"Type": "String"}
    wrong = tmp_path / "wrong.template.json"
    wrong.write_text(json.dumps(template))

    found = lint(wrong)

    assert "W2001" in found.stdout
    assert found.returncode != 0
