"""Messages between processes and the agent: what is built parses back, anything else is a PeerError."""

import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datapath.errors import PeerError
from rdma_verbs._native import ffi, lib
from rdma_verbs.agent import protocol
from rdma_verbs.agent.protocol import (
    REPLY,
    REQUEST,
    TEXT_BYTES,
    Op,
    Reply,
    Request,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
)

u32, u64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
requests = st.one_of(
    st.builds(Request, st.sampled_from([Op.ATTACH, Op.VIEW])),
    st.builds(Request, st.just(Op.REJOIN), slot=u32, generation=u64, node_id=u64),
    st.builds(Request, st.just(Op.REJOIN_PEER), sender=u32, node_id=u64),
    st.builds(Request, st.just(Op.PEER), ip=st.binary(min_size=16, max_size=16).filter(any)),
)
answers = st.builds(Reply, st.sampled_from(Op), slot=u32, sender=u32, nslots=u32, generation=u64, node_id=u64)


@given(requests)
def test_request_survives_the_wire(request_: Request) -> None:
    assert decode_request(encode_request(request_)) == request_


@given(answers)
def test_reply_survives_the_wire(reply: Reply) -> None:
    assert decode_reply(encode_reply(reply)) == reply


def test_error_survives_the_wire() -> None:
    reply = Reply(errno=11, error="node 127.0.0.9: all 31 slots are in use")
    assert decode_reply(encode_reply(reply)) == reply


def test_long_error_is_cut_between_characters() -> None:
    long = "x" + "ä" * TEXT_BYTES
    assert decode_reply(encode_reply(Reply(errno=5, error=long))).error == long[: TEXT_BYTES // 2]


@given(st.binary(max_size=300))
def test_any_bytes_are_an_error(data: bytes) -> None:
    for decode in (decode_request, decode_reply):
        with pytest.raises(PeerError):
            decode(data)


@given(st.data())
def test_a_changed_message_is_another_message_or_an_error(data: st.DataObject) -> None:
    message = bytearray(data.draw(st.one_of(requests.map(encode_request), answers.map(encode_reply))))
    message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    for decode, encode in ((decode_request, encode_request), (decode_reply, encode_reply)):
        try:
            parsed = decode(bytes(message))
        except PeerError:
            continue
        assert decode(encode(parsed)) == parsed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "request_",
    [
        Request(Op.ATTACH, slot=1),
        Request(Op.VIEW, ip=bytes([1] * 16)),
        Request(Op.PEER),
        Request(Op.PEER, sender=1, ip=bytes([1] * 16)),
        Request(Op.REJOIN, sender=1),
    ],
)
def test_wrong_request_is_refused(request_: Request) -> None:
    with pytest.raises(PeerError, match=request_.op.name):
        decode_request(encode_request(request_))


def test_unknown_op_is_refused() -> None:
    wrong = bytearray(encode_request(Request(Op.ATTACH)))
    wrong[6] = 9
    with pytest.raises(PeerError, match="unknown op 9"):
        decode_request(bytes(wrong))


def test_too_short_and_too_long_are_refused() -> None:
    whole = encode_request(Request(Op.ATTACH))
    for wrong in (whole[:-1], whole + b"\0"):
        with pytest.raises(PeerError, match=str(REQUEST.size)):
            decode_request(wrong)


def test_other_version_says_so() -> None:
    with pytest.raises(PeerError, match="version 9, this is 2"):
        decode_request(struct.pack("=IHH", protocol.MAGIC, 9, 1))
    with pytest.raises(PeerError, match="of an earlier version"):
        decode_request(b'{"v": 1, "op": "attach"}')


def test_layout_is_that_of_the_header() -> None:
    """Every field lies where C has it: all of them one after the other, as ``struct`` packs them."""
    for name, packed in (("request", REQUEST), ("reply", REPLY)):
        kind = ffi.typeof(f"struct roce_agent_{name}")
        codes = re.findall(r"\d*[a-zA-Z]", packed.format)
        places = [(field.offset, ffi.sizeof(field.type)) for _, field in kind.fields]
        assert [size for _, size in places] == [struct.calcsize(f"={code}") for code in codes]
        assert [at for at, _ in places] == [struct.calcsize("=" + "".join(codes[:i])) for i in range(len(codes))]
        assert ffi.sizeof(kind) == packed.size
    raw = ffi.new("struct roce_agent_request *")
    raw.magic, raw.version, raw.op = protocol.MAGIC, protocol.VERSION, lib.ROCE_AGENT_REJOIN
    raw.slot, raw.generation, raw.node_id = 3, 5, 7
    assert decode_request(bytes(ffi.buffer(raw))) == Request(Op.REJOIN, slot=3, generation=5, node_id=7)
    out = ffi.from_buffer("struct roce_agent_reply *", encode_reply(Reply(Op.ATTACH, 1, 2, 3, 4, 5)))
    assert (out.op, out.error, out.slot, out.sender, out.nslots) == (lib.ROCE_AGENT_ATTACH, 0, 1, 2, 3)
    assert (out.generation, out.node_id) == (4, 5)
    out = ffi.from_buffer("struct roce_agent_reply *", encode_reply(Reply(errno=11, error="no")))
    assert (out.op, out.error, ffi.string(out.text)) == (0, 11, b"no")


def test_constants_are_those_of_the_header() -> None:
    assert (protocol.MAGIC, protocol.VERSION) == (lib.ROCE_AGENT_MAGIC, lib.ROCE_AGENT_VERSION)
    assert (protocol.MAX_SLOTS, TEXT_BYTES) == (lib.ROCE_AGENT_SLOTS_MAX, lib.ROCE_AGENT_TEXT_BYTES)
    assert {op.name: op.value for op in Op} == {op.name: getattr(lib, f"ROCE_AGENT_{op.name}") for op in Op}
