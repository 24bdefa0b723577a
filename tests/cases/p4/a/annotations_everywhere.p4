// Annotations of all forms, known and not, change nothing here.
#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20200408
#endif
#include <core.p4>
#include <v1model.p4>

@hdr_note
header data_t {
    @field_note("x", 3) bit<8> a;
    @a @b bit<8> b;
    @kv[key=1, other="two"] bit<8> c;
    @list[1, 2, "three"] bit<8> d;
}

@deprecated("not really")
const bit<8> ONE = 1;

@unknown(free form ((text)) with, commas; and 123)
enum Mode { @first A, B }

struct local_metadata_t {
}

struct headers_t {
    @emitted data_t d;
}

parser PacketParser(packet_in packet, out headers_t headers, inout local_metadata_t local_metadata,
                    inout standard_metadata_t std) {
    state start {
        packet.extract(headers.d);
        transition accept;
    }
}

control NoVerify(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control IngressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    @hidden
    action inc(inout bit<8> v) {
        v = v + ONE;
    }
    @atomic
    @name("renamed") action dec() {
        headers.d.b = headers.d.b - ONE;
    }
    apply {
        @likely {
            inc(headers.d.a);
        }
        dec();
        if (headers.d.c == 0) {
            headers.d.d = 9;
        }
    }
}

control EgressImpl(inout headers_t headers, inout local_metadata_t local_metadata, inout standard_metadata_t std) {
    apply { }
}

control NoUpdate(inout headers_t headers, inout local_metadata_t local_metadata) {
    apply {}
}

control PacketDeparser(packet_out packet, in headers_t headers) {
    apply {
        packet.emit(headers);
    }
}

V1Switch(p = PacketParser(), vr = NoVerify(), ig = IngressImpl(), eg = EgressImpl(), ck = NoUpdate(),
         dep = PacketDeparser()) main;
