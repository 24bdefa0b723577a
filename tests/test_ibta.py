"""docs/ibta.md says what the tests' marks say, and every test of a behaviour has a mark."""

import ast
import re

from tests import ibta

# Tests in those files that hold the tests, not the engine, to something.
UNMARKED = {"test_every_reason_is_earned_by_a_packet"}


def test_the_page_is_up_to_date() -> None:
    assert ibta.PAGE.read_text(encoding="utf-8") == ibta.page(), "run: python -m tests.ibta"


def test_every_file_is_on_the_page() -> None:
    assert {path.name for path in ibta.FOLDER.glob("test_ibta_*.py")} == set(ibta.TITLES)


def test_every_test_is_marked_with_a_clause() -> None:
    for file in ibta.TITLES:
        source = (ibta.FOLDER / file).read_text(encoding="utf-8")
        marked = list(ibta.rows(source, file))
        names = {
            n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")
        }
        assert names - {row.test for row in marked} <= UNMARKED
        for row in marked:
            assert re.fullmatch(r"(\d+|A\d+)(\.\d+)*", row.clause), row
            assert row.behaviour, row
            assert "|" not in row.behaviour, row


def test_marks_are_found_in_their_order() -> None:
    source = '@pytest.mark.ibta("9.7", "second")\n@pytest.mark.ibta("9.6", "first")\ndef test_x(): ...\n'
    assert [(row.clause, row.test) for row in ibta.rows(source, "f.py")] == [("9.6", "test_x"), ("9.7", "test_x")]


def test_every_status_and_event_of_the_engine_is_expected_by_a_test() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ibta.ROOT / "rdma_verbs" / "csrc").glob("*.c"))
    tests = "".join((ibta.FOLDER / file).read_text(encoding="utf-8") for file in [*ibta.TITLES, "wirepeer.py"])
    statuses = set(re.findall(r"\bROCE_WC_(\w+_ERR|SUCCESS)\b", sources))
    events = set(re.findall(r"\bROCE_EVENT_(?!OF_)(\w+)\b", sources))
    assert len(statuses) >= 10
    assert {name for name in statuses if f"WcStatus.{name}" not in tests} == set()
    assert {name for name in events if f"EventType.{name}" not in tests} <= {"PORT_ACTIVE", "PORT_ERR"}
