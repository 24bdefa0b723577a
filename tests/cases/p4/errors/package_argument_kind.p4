// error: 7: a parser is expected, not the control 'MyIngress'
#include "shared/types.p4"
#include "shared/parser.p4"
#include "shared/ingress.p4"
control C(inout headers_t hdr, inout meta_t meta) { apply {} }
control D(packet_out pkt, in headers_t hdr) { apply {} }
V1Switch(MyIngress(), C(), MyIngress(), MyIngress(), C(), D()) main;
