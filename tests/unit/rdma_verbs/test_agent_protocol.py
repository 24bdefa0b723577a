"""Messages between processes and the agent: what is built parses back, anything else is a PeerError."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datapath.errors import PeerError
from rdma_verbs.agent.protocol import (
    MAX_BYTES,
    Reply,
    Request,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
)

u64 = st.integers(0, 2**64 - 1)
requests = st.one_of(
    st.builds(Request, st.sampled_from(["attach", "view"])),
    st.builds(Request, st.just("rejoin"), st.fixed_dictionaries({"slot": u64, "generation": u64, "node_id": u64})),
    st.builds(Request, st.just("rejoinpeer"), st.fixed_dictionaries({"sender": u64, "node_id": u64})),
    st.builds(Request, st.just("peer"), st.just({}), st.text(min_size=1, max_size=50)),
)


@given(requests)
def test_request_survives_the_wire(request_: Request) -> None:
    assert decode_request(encode_request(request_)) == request_


@given(st.dictionaries(st.sampled_from(["slot", "generation", "nslots", "node_id", "sender"]), u64))
def test_reply_survives_the_wire(numbers: dict[str, int]) -> None:
    assert decode_reply(encode_reply(Reply(numbers))) == Reply(numbers)


def test_error_survives_the_wire() -> None:
    reply = Reply(errno=11, error="node 127.0.0.9: all 31 slots are in use")
    assert decode_reply(encode_reply(reply)) == reply


@given(st.binary(max_size=200) | st.recursive(st.none() | u64, st.lists).map(lambda x: json.dumps(x).encode()))
def test_any_bytes_are_a_message_or_an_error(data: bytes) -> None:
    for decode in (decode_request, decode_reply):
        with pytest.raises(PeerError):
            decode(data)


@pytest.mark.parametrize(
    "message",
    [
        {"v": 2, "op": "attach"},
        {"op": "attach"},
        {"v": 1, "op": "explode"},
        {"v": 1, "op": ["attach"]},
        {"v": 1, "op": "rejoin", "slot": 1, "generation": 1},
        {"v": 1, "op": "rejoin", "slot": -1, "generation": 1, "node_id": 1},
        {"v": 1, "op": "rejoin", "slot": True, "generation": 1, "node_id": 1},
        {"v": 1, "op": "rejoin", "slot": 1, "generation": 2**64, "node_id": 1},
        {"v": 1, "op": "peer"},
        {"v": 1, "op": "peer", "ip": 7},
        {"v": 1, "op": "view", "ip": "::1"},
    ],
)
def test_wrong_request_is_refused(message: dict[str, object]) -> None:
    with pytest.raises(PeerError):
        decode_request(json.dumps(message).encode())


def test_too_long_is_refused() -> None:
    with pytest.raises(PeerError, match=str(MAX_BYTES)):
        decode_request(json.dumps({"v": 1, "op": "peer", "ip": "x" * MAX_BYTES}).encode())


def test_other_version_says_so() -> None:
    with pytest.raises(PeerError, match="version 9, this is 1"):
        decode_request(b'{"v": 9, "op": "attach"}')


def test_a_number_that_is_missing_in_a_reply_is_an_error() -> None:
    with pytest.raises(PeerError, match="slot"):
        Reply({"sender": 1})["slot"]
