from ipaddress import IPv4Address

import pytest

from rdma_verbs import GID, AHAttr, CallerError, Context, Port


def test_ipv4_is_mapped() -> None:
    gid = GID.of("10.1.2.3")
    assert gid.raw == bytes(10) + b"\xff\xff\x0a\x01\x02\x03"
    assert (str(gid), gid.ip) == ("10.1.2.3", IPv4Address("10.1.2.3"))
    assert GID.of(str(gid)) == GID.of(gid) == GID(gid.raw)


def test_ipv6_is_itself() -> None:
    assert str(GID.of("fe80::1")) == "fe80::1"


@pytest.mark.parametrize("text", ["", "10.0.0", "10.0.0.256", "host", "::g"])
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(CallerError, match=f"GID: '{text}'"):
        GID.of(text)


@pytest.mark.parametrize("wrong", [1, True, None, b"\x7f\x00\x00\x01"])
def test_only_text_and_addresses_are_addresses(wrong: object) -> None:
    with pytest.raises(CallerError, match="GID: "):
        GID.of(wrong)  # type: ignore[arg-type]


def test_a_gid_has_16_bytes() -> None:
    with pytest.raises(CallerError, match="not 16 bytes"):
        GID(bytes(15))


def test_a_device_has_the_address_first() -> None:
    with Context.over(Port.mem_pair()[0], "fe80::2") as context:
        assert [str(gid) for gid in context.gids] == ["fe80::2"]
        assert AHAttr().hop_limit == 64
