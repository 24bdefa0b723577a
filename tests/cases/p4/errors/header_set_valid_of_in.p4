// error: 8: 'setValid': 'hdr' is read-only
#include "shared/types.p4"
#include "shared/parser.p4"
#include "shared/ingress.p4"
control C(inout headers_t hdr, inout meta_t meta) { apply {} }
control D(packet_out pkt, in headers_t hdr) {
    apply {
        hdr.eth.setValid();
    }
}
V1Switch(MyParser(), C(), MyIngress(), MyIngress(), C(), D()) main;
