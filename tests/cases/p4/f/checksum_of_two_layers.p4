// Inner and outer IPv4 checksums in a tunnel, each on its own condition.

#include <v1model.p4>

header ip_t {
    bit<8> ttl;
    bit<8> proto;
    bit<16> ck;
}

struct Meta {
}

struct Headers {
    ip_t outer;
    ip_t inner;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.outer);
        transition select(h.outer.proto) {
            4: inner;
            default: accept;
        }
    }
    state inner { b.extract(h.inner); transition accept; }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        sm.egress_spec = 1;
        if (h.inner.isValid()) {
            h.inner.ttl = h.inner.ttl - 1;
            if (h.outer.ttl == 9) {
                h.outer.setInvalid();
            }
        }
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply { }
}

control update(inout Headers h, inout Meta m) {
    apply {
        update_checksum(h.outer.isValid(), { h.outer.ttl, h.outer.proto }, h.outer.ck, HashAlgorithm.csum16);
        update_checksum(h.inner.isValid() && h.inner.ttl != 0, { h.inner.ttl, h.inner.proto }, h.inner.ck, HashAlgorithm.csum16);
    }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
