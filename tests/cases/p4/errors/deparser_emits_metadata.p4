// error: 8: emit: only headers, stacks, unions and structs of them
#include "shared/types.p4"
#include "shared/parser.p4"
#include "shared/ingress.p4"
control C(inout headers_t hdr, inout meta_t meta) { apply {} }
control D(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr.eth.dst);
    }
}
V1Switch(MyParser(), C(), MyIngress(), MyIngress(), C(), D()) main;
