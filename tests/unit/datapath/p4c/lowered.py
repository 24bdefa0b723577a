"""Small v1model programs around a piece of code, compiled and run by the engine."""

from datapath.p4c.compiler import Compiled, compile_text
from datapath.p4c.evaluate import Evaluator
from datapath.pipeline.engine import Engine
from datapath.pipeline.target import Packet, Target

PROGRAM = """
#include <core.p4>
#include <v1model.p4>
header h_t { bit<8> a; bit<8> b; bit<8> c; bit<8> d; }
header w_t { bit<128> x; }
struct headers_t { h_t h; h_t[3] s; w_t w; }
struct meta_t { bit<8> m; bit<8> n; }
parser P(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) { PARSER }
control V(inout headers_t hdr, inout meta_t meta) { apply { } }
TOP
control I(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    LOCALS
    apply { sm.egress_spec = 1; BODY }
}
control E(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) { apply { } }
control C(inout headers_t hdr, inout meta_t meta) { apply { } }
control D(packet_out pkt, in headers_t hdr) { apply { pkt.emit(hdr); } }
V1Switch(P(), V(), I(), E(), C(), D()) main;
"""

START = "state start { pkt.extract(hdr.h); transition accept; }"


def compile_parts(body: str = "", *, top: str = "", local: str = "", parser: str = START) -> Compiled:
    """Return the program with these parts."""
    text = PROGRAM.replace("PARSER", parser).replace("TOP", top).replace("LOCALS", local).replace("BODY", body)
    return compile_text(text, "test.p4")


def send(target: Target, data: str) -> str:
    """Run a packet of hexadecimal digits; returns those of the one that goes out, or ``""``."""
    out = target.process([Packet(1, bytes.fromhex(data))])
    return out[0].data.hex() if out else ""


def run(packets: dict[str, str], body: str = "", *, top: str = "", local: str = "", parser: str = START) -> None:
    """Check that each packet becomes what is written beside it, on the engine and on the evaluator."""
    compiled = compile_parts(body, top=top, local=local, parser=parser)
    for target in (Engine(compiled.code, compiled.info), Evaluator(compiled.design, compiled.info)):
        assert {data: send(target, data) for data in packets} == packets, type(target).__name__
