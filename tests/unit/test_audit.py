"""What `make audit` makes of pip-audit's answers: what could not be asked is never called fine."""

import json

from storehooks_cli.audit import UNKNOWN, VULNERABLE, verdict

FINE = {"name": "idna", "version": "3.20", "vulns": []}
BROKEN = {
    "name": "pycurl",
    "version": "7.49.0",
    "vulns": [
        {"id": "PYSEC-2026-1", "fix_versions": ["7.49.1"], "aliases": [], "description": "..."},
        {"id": "PYSEC-2026-2", "fix_versions": [], "aliases": [], "description": "..."},
    ],
}
PASSED_OVER = {"name": "certifi", "skip_reason": "Dependency not found on PyPI and could not be audited"}


def report(*packages):
    return json.dumps({"dependencies": packages, "fixes": []})


def test_packages_without_a_known_vulnerability_are_counted():
    assert verdict(report(FINE, FINE), "") == (0, ["2 packages, no known vulnerability"])


def test_each_vulnerability_is_named_with_where_it_is_mended():
    assert verdict(report(FINE, BROKEN), "") == (
        VULNERABLE,
        [
            "pycurl 7.49.0 has PYSEC-2026-1, mended in 7.49.1",
            "pycurl 7.49.0 has PYSEC-2026-2, mended in no version yet",
        ],
    )


def test_a_package_that_was_passed_over_is_a_failure_whatever_else_is_known():
    for others in ([FINE], [BROKEN]):
        status, lines = verdict(report(PASSED_OVER, *others), "")
        assert status == UNKNOWN
        assert lines[-1] == (
            "NOT AUDITED, 1 of 2 packages: Dependency not found on PyPI and could not be audited"
        )


def test_an_answer_that_is_none_is_a_failure_with_its_last_words():
    complaint = "Traceback (most recent call last):\nrequests.exceptions.ConnectionError: no route"
    for response in ("", "Found 1 known vulnerability"):
        assert verdict(response, complaint) == (
            UNKNOWN,
            ["NOT AUDITED, pip-audit could not do its work: requests.exceptions.ConnectionError: no route"],
        )
    assert verdict("", "") == (UNKNOWN, ["NOT AUDITED, pip-audit could not do its work: it said nothing"])
