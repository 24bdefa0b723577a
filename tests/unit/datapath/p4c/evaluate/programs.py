"""Small v1model programs around a piece of code, run on the evaluator."""

from datapath.p4c.compiler import compile_text
from datapath.p4c.evaluate import Evaluator
from datapath.pipeline.target import Packet

TYPES = """
%(before)s
header h_t { bit<8> a; bit<8> b; bit<16> c; int<8> s; bit<24> pad; }
struct headers_t { h_t h; h_t h2; %(headers)s }
struct meta_t { bit<8> m; @field_list(1) bit<16> kept; bit<16> lost; %(meta)s }
"""

PROGRAM = """
#include <core.p4>
#include <v1model.p4>
%(types)s
%(top)s
parser P(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    %(parser)s
}
control V(inout headers_t hdr, inout meta_t meta) { apply { %(verify)s } }
control I(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    %(locals)s
    apply { sm.egress_spec = 1; %(body)s }
}
control E(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    %(egress_locals)s
    apply { %(egress)s }
}
control C(inout headers_t hdr, inout meta_t meta) { apply { %(compute)s } }
control D(packet_out pkt, in headers_t hdr) { apply { %(deparser)s } }
V1Switch(P(), V(), I(), E(), C(), D()) main;
"""

DEFAULTS = {
    "before": "",
    "headers": "",
    "meta": "",
    "top": "",
    "parser": "state start { pkt.extract(hdr.h); transition accept; }",
    "verify": "",
    "locals": "",
    "body": "",
    "egress_locals": "",
    "egress": "",
    "compute": "",
    "deparser": "pkt.emit(hdr);",
}


def make(**parts: str) -> Evaluator:
    """Return an evaluator of the program with these parts."""
    text = {**DEFAULTS, **parts}
    compiled = compile_text(PROGRAM % {**text, "types": TYPES % text}, "test.p4")
    return Evaluator(compiled.design, compiled.info)


def send(target: Evaluator, data: str, port: int = 0, ts_ns: int = 0) -> list[tuple[int, str]]:
    """Run a packet of hexadecimal digits; returns (port, digits) of what goes out."""
    return [(o.port, o.data.hex()) for o in target.process([Packet(port, bytes.fromhex(data), ts_ns)])]


def one(data: str, **parts: str) -> str:
    """Return what goes out for a packet; ``drop`` if nothing does."""
    out = send(make(**parts), data)
    assert len(out) <= 1
    return out[0][1] if out else "drop"
