// error: 7: parameter 'hdr' of control 'D' is 'inout headers_t', but 'Deparser' wants 'in headers_t'
#include "shared/types.p4"
#include "shared/parser.p4"
#include "shared/ingress.p4"
control C(inout headers_t hdr, inout meta_t meta) { apply {} }
control D(packet_out pkt, inout headers_t hdr) { apply {} }
V1Switch(MyParser(), C(), MyIngress(), MyIngress(), C(), D()) main;
