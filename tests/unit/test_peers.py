import subprocess
from pathlib import Path

import pytest

from tests import peers
from tests.peers import Peer


def test_list_is_read_alike_by_shell_and_python() -> None:
    known = peers.read_list(peers.LIST.read_text(encoding="utf-8"))
    wanted = sorted(peer.package for peer in known.values() if not peer.present())
    script = Path(peers.__file__).parent / "e2e" / "peers.sh"
    done = subprocess.run([script, "list"], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == wanted


def test_missing_peer_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "read_list", lambda text: {"x": Peer("x", "x-tools", "no-such-program-x")})
    assert "apt-get install x-tools" in str(peers.missing("x"))


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_missing_peer_skips_here_and_fails_in_ci(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    require_peer = request.getfixturevalue("require_peer")
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(peers, "missing", lambda name: f"{name} is missing")
    with pytest.raises(outcome):
        require_peer("x")
