// A program as the converter of old programs writes it: every type argument spelt out, names with dots.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

@name("ip_t") header ip_t {
    bit<32> src;
    bit<32> dst;
    bit<8> ttl;
    bit<8> proto;
    bit<16> ck;
    bit<8> h;
}
struct flow_meta_t {
    bit<16> hash;
    bit<9> port;
}

struct metadata {
    @name(".flow") flow_meta_t flow;
}

struct headers {
    @name(".ip") ip_t ip;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    @name(".parse_ip") state parse_ip {
        packet.extract<ip_t>(hdr.ip);
        transition accept;
    }
    @name(".start") state start {
        transition parse_ip;
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control ingress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    @name(".rate") meter(32w4, MeterType.packets) rate;
    @name(".total") counter(32w4, CounterType.packets) total;
    @name(".last") register<bit<8>>(32w4) last;
    @name("._nop") action _nop() {
    }
    @name(".set_flow") action set_flow(bit<9> port) {
        hash<bit<16>, bit<16>, tuple<bit<32>, bit<32>, bit<8>>, bit<32>>(meta.flow.hash, HashAlgorithm.crc16, (bit<16>)0, { hdr.ip.src, hdr.ip.dst, hdr.ip.proto }, (bit<32>)256);
        meta.flow.port = port;
        rate.execute_meter<bit<8>>(32w0, hdr.ip.h);
        total.count(32w1);
        last.write(32w2, hdr.ip.ttl);
    }
    @name(".flows") table flows {
        actions = {
            set_flow();
            _nop();
            @defaultonly NoAction();
        }
        key = {
            hdr.ip.dst: exact @name("ip.dst") ;
        }
        size = 16;
        default_action = NoAction();
    }
    @name(".finish") action finish() {
        standard_metadata.egress_spec = meta.flow.port;
        hdr.ip.ttl = hdr.ip.ttl + 8w255;
        hdr.ip.h = (bit<8>)meta.flow.hash;
    }
    @name(".finals") table finals {
        actions = { finish(); @defaultonly NoAction(); }
        default_action = finish();
    }
    apply {
        flows.apply();
        finals.apply();
    }
}

control egress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply { }
}

control computeChecksum(inout headers hdr, inout metadata meta) {
    apply {
        update_checksum<tuple<bit<32>, bit<32>, bit<8>, bit<8>>, bit<16>>(true, { hdr.ip.src, hdr.ip.dst, hdr.ip.ttl, hdr.ip.proto }, hdr.ip.ck, HashAlgorithm.csum16);
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit<ip_t>(hdr.ip);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
