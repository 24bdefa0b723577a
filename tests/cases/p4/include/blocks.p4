// The blocks of a v1model program that have nothing to do, for tests of parsers: the program declares `Headers`,
// `Meta`, PARSER { ... } and INGRESS { ... }; all of `Headers` is emitted in order.
#define PARSER parser TestParser(packet_in pkt, out Headers hdr, inout Meta meta, inout standard_metadata_t sm)
#define INGRESS control ingress(inout Headers hdr, inout Meta meta, inout standard_metadata_t sm)
#define MAIN \
    control NoVerify(inout Headers hdr, inout Meta meta) { apply { } } \
    control NoEgress(inout Headers hdr, inout Meta meta, inout standard_metadata_t sm) { apply { } } \
    control NoUpdate(inout Headers hdr, inout Meta meta) { apply { } } \
    control EmitAll(packet_out pkt, in Headers hdr) { apply { pkt.emit(hdr); } } \
    V1Switch(TestParser(), NoVerify(), ingress(), NoEgress(), NoUpdate(), EmitAll()) main;
#include <core.p4>
#include <v1model.p4>
